package dev.slabstream.cli;

import dev.slabstream.config.SlabSizing;
import dev.slabstream.config.SlabstreamProperties;
import dev.slabstream.kvcache.KvPlan;
import dev.slabstream.model.ModelConfig;
import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.KvType;
import dev.slabstream.tensor.Tensor;
import dev.slabstream.weights.Checkpoint;
import dev.slabstream.weights.MalformedModelException;
import java.io.PrintWriter;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What is to be said about a model without computing anything.
final class ModelReport {
  private static final int MAX_SHOWN_ELEMENTS = 8;
  private static final int MAX_SHOWN_CHARS = 100;

  private final Checkpoint checkpoint;
  private final WeightSizes sizes;
  private final KvType kvType;
  private final @Nullable ModelConfig config;
  private final @Nullable String problem;

  record TypeTotal(long tensors, long bytes) {}

  record TensorLine(String name, ElementType type, long rows, long cols, long bytes) {
    static TensorLine of(Tensor tensor) {
      return new TensorLine(
          tensor.name(), tensor.type(), tensor.rows(), tensor.cols(), tensor.data().byteSize());
    }
  }

  private ModelReport(
      Checkpoint checkpoint,
      KvType kvType,
      @Nullable ModelConfig config,
      @Nullable String problem) {
    this.checkpoint = checkpoint;
    this.kvType = kvType;
    this.sizes =
        WeightSizes.of(
            checkpoint.tensors(), SlabstreamProperties.defaults().loadSettings().kernels());
    this.config = config;
    this.problem = problem;
  }

  /// @param checkpoint must stay open as long as the report is used
  /// @param kvType how a slab would store keys and values
  static ModelReport of(Checkpoint checkpoint, KvType kvType) {
    try {
      return new ModelReport(checkpoint, kvType, ModelConfig.read(checkpoint), null);
    } catch (MalformedModelException e) {
      return new ModelReport(checkpoint, kvType, null, e.getMessage());
    }
  }

  /// Why the model cannot be computed.
  Optional<String> problem() {
    return Optional.ofNullable(problem);
  }

  Map<String, Object> asMap() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("path", checkpoint.path().toString());
    report.put("format", checkpoint.format().name().toLowerCase(Locale.ROOT));
    if (config != null) {
      report.put("dimensions", dimensions(config));
      report.put("memory", memory(config));
    }
    if (problem != null) {
      report.put("problem", problem);
    }
    report.put("types", types());
    Map<String, Object> metadata = new LinkedHashMap<>();
    checkpoint.metadata().entries().forEach((key, value) -> metadata.put(key, shortened(value)));
    report.put("metadata", metadata);
    report.put("tensors", checkpoint.tensors().values().stream().map(TensorLine::of).toList());
    return report;
  }

  void print(PrintWriter out, boolean withTensors) {
    out.printf("%s (%s)%n", checkpoint.path(), checkpoint.format());
    if (config != null) {
      printSection(out, "Dimensions", dimensions(config));
      printSection(out, "Memory", memory(config));
    }
    out.printf("%nTypes%n");
    types()
        .forEach(
            (type, total) ->
                out.printf(
                    Locale.ROOT,
                    "  %-28s %d tensors, %s%n",
                    type,
                    total.tensors(),
                    humanSize(total.bytes())));
    out.printf("%nMetadata%n");
    checkpoint
        .metadata()
        .entries()
        .forEach((key, value) -> out.printf("  %-44s %s%n", key, oneLine(value)));
    if (withTensors) {
      out.printf("%nTensors%n");
      for (Tensor tensor : checkpoint.tensors().values()) {
        out.printf(
            Locale.ROOT,
            "  %-44s %-5s [%d, %d]  %d bytes%n",
            tensor.name(),
            tensor.type(),
            tensor.rows(),
            tensor.cols(),
            tensor.data().byteSize());
      }
    }
  }

  private static void printSection(PrintWriter out, String title, Map<String, Object> values) {
    out.printf("%n%s%n", title);
    values.forEach(
        (name, value) ->
            out.printf(
                "  %-28s %s%n",
                name,
                name.endsWith("_bytes")
                    ? value + " (" + humanSize(((Number) value).longValue()) + ")"
                    : value));
  }

  private Map<String, Object> dimensions(ModelConfig c) {
    Map<String, Object> dimensions = new LinkedHashMap<>();
    dimensions.put("architecture", c.architecture().name().toLowerCase(Locale.ROOT));
    dimensions.put("name", c.name());
    dimensions.put("parameters", sizes.parameters());
    dimensions.put("layers", c.numLayers());
    dimensions.put("embedding_dim", c.embeddingDim());
    dimensions.put("heads", c.numHeads());
    dimensions.put("kv_heads", c.numKvHeads());
    dimensions.put("head_dim", c.headDim());
    dimensions.put("feed_forward_dim", c.feedForwardDim());
    dimensions.put("vocab_size", c.vocabSize());
    dimensions.put("context_length", c.contextLength());
    if (c.slidingWindow() > 0) {
      dimensions.put("sliding_window", c.slidingWindow());
      dimensions.put("windowed_from_layer", c.windowedFromLayer());
    }
    return dimensions;
  }

  /// Weights, keys and values, and what a slab of the size that the service chooses by itself would
  /// hold.
  private Map<String, Object> memory(ModelConfig c) {
    Map<String, Object> memory = new LinkedHashMap<>();
    memory.put("weights_file_bytes", sizes.fileBytes());
    memory.put("weights_bytes", sizes.packedBytes());
    memory.put("read_per_token_bytes", sizes.perToken());
    KvLayout block = c.kvLayout(1, ModelOptions.BLOCK_TOKENS, kvType);
    memory.put("kv_type", kvType.name().toLowerCase(Locale.ROOT));
    memory.put("kv_per_token_bytes", block.tokenBytes());
    memory.put("kv_full_context_bytes", block.tokenBytes() * c.contextLength());
    memory.put("limit_bytes", SlabSizing.memoryLimitBytes());
    memory.put("heap_bytes", Runtime.getRuntime().maxMemory());
    try {
      KvPlan plan =
          SlabSizing.plan(
              c,
              sizes.packedBytes(),
              SlabstreamProperties.defaults().loadSettings().withKvType(kvType));
      memory.put("slab_bytes", plan.layout().slabBytes());
      memory.put("slab_tokens", plan.numTokens());
      memory.put("slab_reason", plan.reason());
    } catch (IllegalArgumentException e) {
      memory.put("slab_reason", String.valueOf(e.getMessage()));
    }
    return memory;
  }

  private Map<String, TypeTotal> types() {
    Map<ElementType, long[]> totals = new EnumMap<>(ElementType.class);
    for (Tensor tensor : checkpoint.tensors().values()) {
      long[] total = totals.computeIfAbsent(tensor.type(), _ -> new long[2]);
      total[0]++;
      total[1] += tensor.data().byteSize();
    }
    Map<String, TypeTotal> types = new LinkedHashMap<>();
    totals.forEach((type, total) -> types.put(type.name(), new TypeTotal(total[0], total[1])));
    return types;
  }

  /// A vocabulary is not for reading: of a long list, its length and beginning.
  private static Object shortened(Object value) {
    if (value instanceof List<?> list && list.size() > MAX_SHOWN_ELEMENTS) {
      Map<String, Object> part = new LinkedHashMap<>();
      part.put("length", list.size());
      part.put("first", list.subList(0, MAX_SHOWN_ELEMENTS));
      return part;
    }
    return value;
  }

  private static String oneLine(Object value) {
    String text = JsonOutput.compact(shortened(value));
    return text.length() <= MAX_SHOWN_CHARS ? text : text.substring(0, MAX_SHOWN_CHARS) + "…";
  }

  private static String humanSize(long bytes) {
    if (bytes >= 1_000_000_000) {
      return String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
    }
    return bytes >= 1_000_000
        ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
        : String.format(Locale.ROOT, "%.1f kB", bytes / 1e3);
  }
}
