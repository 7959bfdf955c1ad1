{{- define "slabstream.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "slabstream.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "slabstream.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "slabstream.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes in the life of a release: the selector. */}}
{{- define "slabstream.selectorLabels" -}}
app.kubernetes.io/name: {{ include "slabstream.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "slabstream.labels" -}}
{{ include "slabstream.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "slabstream.serviceAccountName" -}}
{{- default (include "slabstream.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* Weights are kept packed, up to model.packedRatio larger than in the file. */}}
{{- define "slabstream.memory" -}}
{{- if .Values.resources.memory -}}
{{- .Values.resources.memory -}}
{{- else -}}
{{- $weights := mulf .Values.model.sizeMiB .Values.model.packedRatio | ceil | int -}}
{{- printf "%dMi" (add $weights .Values.kvCache.sizeMiB .Values.jvm.heapMiB .Values.jvm.overheadMiB) -}}
{{- end -}}
{{- end -}}
