package dev.slabstream.engine;

import java.util.Arrays;

/// How many prompt tokens the next step computes, found by feedback from the steps before.
///
/// A step makes everybody in it wait: a stream for its next token, a newcomer for its first. So a step beside decodes may take
/// [#STRETCH] times what the decodes alone take (or a time that the operator sets), and a step without decodes [#ALONE_NANOS].
/// Prompt tokens are handed out in sizes of which the cost is known: each size has the time that it added to a step lately, beside
/// decodes and alone. The largest size that fits is taken. One that was never tried, or not for long, is expected to cost no more
/// than the next smaller one in proportion: a pass over the weights is shared by all tokens of a step, so more tokens cost less each.
///
/// Only times depend on it: the tokens of a sequence are the same in whatever chunks its prompt was computed. Owned by the engine's
/// thread.
final class PromptBudget {
  /// Inter-token latency beside a prompt, in units of that without. Three is where a reader begins to notice; measurements scatter.
  static final double STRETCH = 2.5;

  /// For who comes in the middle of a step: so long at most until prompts are looked at anew.
  static final long ALONE_NANOS = 250_000_000;

  /// While it is not known what decodes take.
  static final long UNKNOWN_NANOS = 100_000_000;

  /// Tokens of a tile of the matrix kernels: with a token more a step computes a whole tile more.
  private static final int TILE = 4;

  /// A prompt gets about so many tokens in any case, or as many as it has: it goes on, however tight the time. Beside one decode they
  /// fill its tile, and the step is hardly longer than without.
  static final int SMALLEST = TILE;

  /// Before anything was measured.
  static final int FIRST = 32;

  /// A time shorter than expected is believed sooner than a longer one: that may be a thread that had to wait for its processor.
  private static final double WEIGHT_OF_SHORTER = 0.5;

  private static final double WEIGHT_OF_LONGER = 0.2;

  /// Ascending: 4, 6, 8, 12, 16, 24, 32, 48, and so on.
  private final int[] sizes;

  // 0 = never measured
  private final double[] nanosBeside;
  private final double[] nanosAlone;
  private final double[] decodeNanos;
  private final long targetNanos;

  PromptBudget(EngineSettings settings) {
    sizes = sizesUpTo(settings.maxBatchTokens());
    nanosBeside = new double[sizes.length];
    nanosAlone = new double[sizes.length];
    decodeNanos = new double[settings.maxRunning() + 1];
    targetNanos = settings.targetStepTime() == null ? 0 : settings.targetStepTime().toNanos();
  }

  private static int[] sizesUpTo(int max) {
    int[] sizes = new int[2 * Integer.SIZE];
    int count = 0;
    for (int power = SMALLEST; power <= max; power *= 2) {
      sizes[count++] = power;
      if (power + power / 2 <= max) {
        sizes[count++] = power + power / 2;
      }
    }
    if (count == 0 || sizes[count - 1] < max) {
      sizes[count++] = max;
    }
    return Arrays.copyOf(sizes, count);
  }

  /// The most prompt tokens for a step that gives one token to each of `numDecodes` sequences.
  int tokensBeside(int numDecodes) {
    int tokens = largestSizeBeside(numDecodes);
    int over = (numDecodes + tokens) % TILE;
    if (tokens < TILE || over == 0) {
      return tokens;
    }
    return over < TILE / 2 ? tokens - over : tokens + TILE - over;
  }

  private int largestSizeBeside(int numDecodes) {
    double[] nanos = numDecodes > 0 ? nanosBeside : nanosAlone;
    double left = targetNanos(numDecodes) - decodeNanos(numDecodes);
    if (expectedNanos(nanos, 0) == 0) {
      return Math.min(FIRST, sizes[sizes.length - 1]);
    }
    int best = 0;
    for (int i = 1; i < sizes.length; i++) {
      if (expectedNanos(nanos, i) <= left) {
        best = i;
      }
    }
    return sizes[best];
  }

  /// What a size adds to a step; 0 = nothing was measured yet.
  private double expectedNanos(double[] nanos, int size) {
    int measured = 0;
    while (nanos[measured] == 0) {
      measured++;
      if (measured == nanos.length) {
        return 0;
      }
    }
    double expected = nanos[measured] * sizes[0] / sizes[measured];
    for (int i = 1; i <= size; i++) {
      double inProportion = expected * sizes[i] / sizes[i - 1];
      expected = nanos[i] > 0 ? Math.min(nanos[i], inProportion) : inProportion;
    }
    return expected;
  }

  private double targetNanos(int numDecodes) {
    if (numDecodes == 0) {
      return Math.max(targetNanos, ALONE_NANOS);
    }
    if (targetNanos > 0) {
      return targetNanos;
    }
    double decodes = decodeNanos(numDecodes);
    return decodes > 0 ? STRETCH * decodes : UNKNOWN_NANOS;
  }

  /// A step is over: it took `nanos`.
  void learn(int numDecodes, int numPromptTokens, long nanos) {
    if (numPromptTokens == 0) {
      decodeNanos[numDecodes] = smooth(decodeNanos[numDecodes], nanos);
      return;
    }
    int size = 0;
    while (sizes[size] < numPromptTokens) {
      size++;
    }
    // From a few tokens a size cannot be told: most of their time is the pass over the weights.
    if (numPromptTokens >= sizes[size] * 0.75) {
      double added = Math.max(1, nanos - decodeNanos(numDecodes));
      learn(numDecodes > 0 ? nanosBeside : nanosAlone, size, added * sizes[size] / numPromptTokens);
    }
  }

  /// What makes one size slower or faster than was expected, a deeper context or a neighbour on the machine, does so to all of them.
  private void learn(double[] means, int size, double value) {
    double expected = expectedNanos(means, size);
    double now = smooth(expected, value);
    if (expected > 0) {
      for (int i = 0; i < means.length; i++) {
        means[i] *= now / expected;
      }
    }
    means[size] = now;
  }

  private static double smooth(double mean, double value) {
    double weight = value < mean ? WEIGHT_OF_SHORTER : WEIGHT_OF_LONGER;
    return mean == 0 ? value : mean + weight * (value - mean);
  }

  /// What a step of `numDecodes` sequences takes; of the nearest number that was measured, in proportion. 0 = nothing was.
  private double decodeNanos(int numDecodes) {
    if (numDecodes == 0) {
      return 0;
    }
    for (int distance = 0; distance < decodeNanos.length; distance++) {
      int fewer = numDecodes - distance;
      if (fewer > 0 && decodeNanos[fewer] > 0) {
        return decodeNanos[fewer] * numDecodes / fewer;
      }
      int more = numDecodes + distance;
      if (more < decodeNanos.length && decodeNanos[more] > 0) {
        return decodeNanos[more] * numDecodes / more;
      }
    }
    return 0;
  }
}
