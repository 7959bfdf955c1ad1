package dev.slabstream.model;

import dev.slabstream.kernel.KernelBackend;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.kernel.Kernels;
import java.util.Arrays;
import java.util.List;

/// The backends that models are tested on.
public enum TestBackend {
  SCALAR(KernelBackend.SCALAR, true, Integer.MAX_VALUE, false),
  VECTOR(KernelBackend.VECTOR, true, Integer.MAX_VALUE, true),
  /// A witness, not a server: an operation costs it what a whole tiny layer costs the others.
  ND4J(KernelBackend.ND4J, false, 4, false);

  private final KernelBackend backend;
  private final boolean deterministic;
  private final int goldenSteps;
  private final boolean fast;

  /// @param deterministic whether it promises the same bits whatever the batch, the chunks and the
  ///     threads
  /// @param goldenSteps the most greedy steps that it does after the prompt of a tiny model
  /// @param fast whether it does everything that the embedded model is tested with, or only a
  ///     little
  TestBackend(KernelBackend backend, boolean deterministic, int goldenSteps, boolean fast) {
    this.backend = backend;
    this.deterministic = deterministic;
    this.goldenSteps = goldenSteps;
    this.fast = fast;
  }

  /// Kernels with `threads` threads, at the machine's vector width.
  public Kernels open(int threads) {
    return open(threads, 0);
  }

  Kernels open(int threads, int vectorBits) {
    return Kernels.open(new KernelSettings(backend, vectorBits, threads));
  }

  int goldenSteps() {
    return goldenSteps;
  }

  boolean isFast() {
    return fast;
  }

  static List<TestBackend> deterministic() {
    return Arrays.stream(values()).filter(each -> each.deterministic).toList();
  }
}
