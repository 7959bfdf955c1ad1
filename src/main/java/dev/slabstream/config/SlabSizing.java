package dev.slabstream.config;

import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.kvcache.KvPlan;
import dev.slabstream.model.ModelConfig;
import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.Tensor;
import dev.slabstream.weights.Checkpoint;
import java.lang.management.ManagementFactory;

/// How large the slab is when no setting says so: out of what the process may use, what is spoken
/// for, and the model.
public final class SlabSizing {
  /// Full-length sequences that a slab of derived size holds, if memory allows.
  private static final int DERIVED_CONTEXTS = 4;

  /// What the JVM takes beside its heap: code, metadata, threads' stacks, network buffers.
  private static final long JVM_OVERHEAD_BYTES = 256L << 20;

  private SlabSizing() {}

  /// What the weights of a model will take in memory, packed, from the types and shapes of its tensors: at most, where a file has
  /// tensors that the model does not use, and less where a file has codes that its type does not need ([KernelSettings#packedBytes]).
  /// Vectors become floats.
  public static long packedBytes(Checkpoint checkpoint, KernelSettings kernels) {
    return checkpoint.tensors().values().stream()
        .mapToLong(tensor -> packedBytes(tensor, kernels))
        .sum();
  }

  /// As above, of one tensor.
  public static long packedBytes(Tensor tensor, KernelSettings kernels) {
    return tensor.rows() == 1 ? tensor.cols() * Float.BYTES : kernels.packedBytes(tensor);
  }

  /// @param weightsBytes what the packed weights take
  /// @throws IllegalArgumentException when not even one block fits
  public static KvPlan plan(ModelConfig config, long weightsBytes, LoadSettings settings) {
    KvLayout block = config.kvLayout(1, settings.blockTokens(), settings.kvType());
    if (settings.slabBytes().isPresent()) {
      return KvPlan.ofSize(block, settings.slabBytes().getAsLong());
    }
    return KvPlan.derived(
        block,
        memoryLimitBytes(),
        weightsBytes + Runtime.getRuntime().maxMemory() + JVM_OVERHEAD_BYTES,
        config.contextLength(),
        config.cacheWindow(),
        settings.engine().maxBatchTokens(),
        Math.min(DERIVED_CONTEXTS, settings.engine().maxRunning()));
  }

  /// What the container grants, or else what the machine has.
  public static long memoryLimitBytes() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : Runtime.getRuntime().maxMemory() * 4;
  }
}
