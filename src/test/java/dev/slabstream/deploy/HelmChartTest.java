package dev.slabstream.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import dev.slabstream.kernel.KernelBackend;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

/// Renders `helm/slabstream` with Helm itself.
class HelmChartTest {
  private static final Helm CHART = new Helm(Path.of("helm", "slabstream"));

  @Test
  void strictLintFindsNothing() {
    LintResult result = CHART.lint().strict().call();
    assertThat(result.isFailed()).as("%s", result.getMessages()).isFalse();
  }

  @Test
  void theDefaultsRenderTheObjectsThatAreAlwaysThere() {
    assertThat(kinds(render(Map.of())))
        .containsExactlyInAnyOrder("Deployment", "Service", "ServiceAccount");
  }

  @Test
  void eachToggleAddsItsObject() {
    Map<String, String> toggles =
        Map.of(
            "ingress.enabled", "Ingress",
            "serviceMonitor.enabled", "ServiceMonitor",
            "podDisruptionBudget.enabled", "PodDisruptionBudget",
            "networkPolicy.enabled", "NetworkPolicy");
    toggles.forEach(
        (value, kind) -> {
          assertThat(kinds(render(Map.of(value, true)))).as(value).contains(kind);
          assertThat(kinds(render(Map.of(value, false)))).as(value).doesNotContain(kind);
        });
  }

  @Test
  void theMemoryRequestIsTheSumOfItsParts() {
    Map<String, Object> container =
        container(
            render(
                Map.of(
                    "model.sizeMiB", 101,
                    "kvCache.sizeMiB", 1000,
                    "jvm.heapMiB", 2000,
                    "jvm.overheadMiB", 300)));
    // 101 x 1.85 = 186.85, rounded up
    assertThat(at(container, "resources", "requests", "memory")).isEqualTo("3487Mi");
    assertThat(at(container, "resources", "limits")).isEqualTo(Map.of("memory", "3487Mi"));
  }

  /// What the chart asks for covers the type that grows most when it is packed.
  @Test
  void theWeightsRatioCoversEveryType() throws IOException {
    Map<String, Object> container =
        container(
            render(
                Map.of(
                    "model.sizeMiB", 1000,
                    "model.packedRatio", 1,
                    "kvCache.sizeMiB", 1,
                    "jvm.heapMiB", 1000,
                    "jvm.overheadMiB", 128)));
    assertThat(at(container, "resources", "requests", "memory")).isEqualTo("2129Mi");
    double ratio =
        ((Number)
                at(
                    typed(
                        new Yaml().load(Files.readString(Path.of("helm/slabstream/values.yaml")))),
                    "model",
                    "packedRatio"))
            .doubleValue();
    KernelSettings kernels = new KernelSettings(KernelBackend.AUTO, 0, 1);
    for (ElementType type : ElementType.values()) {
      Tensor tensor =
          new Tensor(
              "t", type, 32, 256, MemorySegment.ofArray(new byte[(int) (32 * type.bytesOf(256))]));
      assertThat(ratio)
          .as(type.name())
          .isGreaterThanOrEqualTo((double) kernels.packedBytes(tensor) / tensor.data().byteSize());
    }
  }

  @Test
  void aNamedMemoryRequestWins() {
    assertThat(
            at(
                container(render(Map.of("resources.memory", "5Gi"))),
                "resources",
                "requests",
                "memory"))
        .isEqualTo("5Gi");
  }

  @Test
  void settingsReachTheServiceByTheirNames() {
    Map<String, Object> values =
        Map.of("kvCache.sizeMiB", 64, "kvCache.type", "q8", "engine.threads", 3);
    assertThat(environment(container(render(values))))
        .containsEntry("SLABSTREAM_KV_CACHE_SIZE", "64MB")
        .containsEntry("SLABSTREAM_KV_CACHE_TYPE", "q8")
        .containsEntry("SLABSTREAM_PREFIX_CACHE_SCOPE", "session")
        .containsEntry("SLABSTREAM_ENGINE_THREADS", "3");
  }

  @Test
  void drainDelayGracePeriodAndTheEndFitIntoTheTerminationGracePeriod() {
    List<Map<String, Object>> objects =
        render(Map.of("shutdown.gracePeriodSeconds", 20, "shutdown.drainDelaySeconds", 7));
    assertThat((Integer) at(podSpec(objects), "terminationGracePeriodSeconds"))
        .isGreaterThan(20 + 7 + 10);
    assertThat(environment(container(objects)))
        .containsEntry("SLABSTREAM_SHUTDOWN_DRAIN_DELAY", "7s")
        .containsEntry("SLABSTREAM_SHUTDOWN_GRACE_PERIOD", "20s");
  }

  @Test
  void theWatchdogsThresholdReachesTheService() {
    assertThat(environment(container(render(Map.of("health.stuckAfterSeconds", 90)))))
        .containsEntry("SLABSTREAM_HEALTH_STUCK_AFTER", "90s");
  }

  @Test
  void nothingRunsWithPrivileges() {
    List<Map<String, Object>> objects = render(Map.of());
    assertThat(at(podSpec(objects), "securityContext", "runAsNonRoot")).isEqualTo(true);
    assertThat(at(podSpec(objects), "automountServiceAccountToken")).isEqualTo(false);
    Map<String, Object> container = container(objects);
    assertThat(at(container, "securityContext", "readOnlyRootFilesystem")).isEqualTo(true);
    assertThat(at(container, "securityContext", "capabilities", "drop")).isEqualTo(List.of("ALL"));
  }

  @Test
  void theSelectorHoldsNoVersion() {
    assertThat(at(deployment(render(Map.of())), "spec", "selector", "matchLabels"))
        .isEqualTo(
            Map.of("app.kubernetes.io/name", "slabstream", "app.kubernetes.io/instance", "test"));
  }

  @Test
  void theSchemaRefusesWrongValuesByName() {
    assertThatThrownBy(() -> render(Map.of("kvCache.blockTokens", 17)))
        .hasMessageContaining("blockTokens");
    assertThatThrownBy(() -> render(Map.of("prefixCache.scope", "public")))
        .hasMessageContaining("scope");
    assertThatThrownBy(() -> render(Map.of("kvCache.type", "int4")))
        .hasMessageContaining("f32")
        .hasMessageContaining("q8");
    assertThatThrownBy(() -> render(Map.of("replicaCountt", 2)))
        .hasMessageContaining("replicaCountt");
  }

  private static List<Map<String, Object>> render(Map<String, Object> values) {
    TemplateCommand command = CHART.template().withName("test");
    values.forEach(command::set);
    List<Map<String, Object>> objects = new ArrayList<>();
    for (Object object : new Yaml().loadAll(command.call())) {
      if (object instanceof Map<?, ?> map) {
        objects.add(typed(map));
      }
    }
    return objects;
  }

  private static List<Object> kinds(List<Map<String, Object>> objects) {
    return objects.stream().map(object -> object.get("kind")).toList();
  }

  private static Map<String, Object> deployment(List<Map<String, Object>> objects) {
    return objects.stream()
        .filter(object -> "Deployment".equals(object.get("kind")))
        .findFirst()
        .orElseThrow();
  }

  private static Map<String, Object> podSpec(List<Map<String, Object>> objects) {
    return typed(at(deployment(objects), "spec", "template", "spec"));
  }

  private static Map<String, Object> container(List<Map<String, Object>> objects) {
    return typed(((List<?>) at(podSpec(objects), "containers")).getFirst());
  }

  private static Map<String, Object> environment(Map<String, Object> container) {
    Map<String, Object> environment = new java.util.HashMap<>();
    for (Object entry : (List<?>) at(container, "env")) {
      Map<String, Object> variable = typed(entry);
      environment.put((String) variable.get("name"), variable.get("value"));
    }
    return environment;
  }

  private static Object at(Map<String, Object> object, String... path) {
    Object value = object;
    for (String name : path) {
      value = Objects.requireNonNull(typed(value).get(name), name);
    }
    return value;
  }

  @SuppressWarnings("unchecked") // YAML objects have text keys
  private static Map<String, Object> typed(Object map) {
    return (Map<String, Object>) map;
  }
}
