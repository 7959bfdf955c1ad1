package dev.slabstream.model;

import dev.slabstream.kernel.KernelBackend;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.kernel.Kernels;
import java.util.Arrays;
import java.util.List;

/// The backends that models are tested on.
public enum TestBackend {
  SCALAR(KernelBackend.SCALAR, true, false),
  VECTOR(KernelBackend.VECTOR, true, true),
  /// A witness, not a server: an operation costs it what a whole tiny layer costs the others.
  ND4J(KernelBackend.ND4J, false, false);

  private final KernelBackend backend;
  private final boolean deterministic;
  private final boolean fast;

  /// @param deterministic whether it promises the same bits whatever the batch, the chunks and the
  ///     threads
  /// @param fast whether it does everything that the embedded model is tested with, or only a
  ///     little
  TestBackend(KernelBackend backend, boolean deterministic, boolean fast) {
    this.backend = backend;
    this.deterministic = deterministic;
    this.fast = fast;
  }

  /// Kernels with `threads` threads, at the machine's vector width.
  public Kernels open(int threads) {
    return open(threads, 0);
  }

  /// @param vectorBits 0 = the machine's
  public Kernels open(int threads, int vectorBits) {
    return Kernels.open(new KernelSettings(backend, vectorBits, threads));
  }

  boolean isFast() {
    return fast;
  }

  static List<TestBackend> deterministic() {
    return Arrays.stream(values()).filter(each -> each.deterministic).toList();
  }
}
