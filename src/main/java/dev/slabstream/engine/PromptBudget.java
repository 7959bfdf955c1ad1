package dev.slabstream.engine;

import java.util.Arrays;

/// How many prompt tokens the next step computes, found by feedback from the steps before.
///
/// A step makes everybody in it wait: a stream for its next token, a newcomer for its first. So a step beside decodes may take
/// [#STRETCH] times what the decodes alone take (or a time that the operator sets), and a step without decodes [#ALONE_NANOS].
/// What a step takes goes by the *tiles* of the matrix kernels that its tokens fill, those of decodes and of prompts together: a
/// token more costs nothing until the last tile is full, and then a whole tile. So prompts get as many tokens as fill the tiles of the
/// largest step that fits, and each number of tiles has the time that such a step took lately, beside decodes and alone. One that was
/// never tried, or not for long, is expected to take no longer than a smaller one in proportion: a pass over the weights is shared
/// by all tokens of a step, so more tiles cost less each.
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

  /// Tokens of a tile of the matrix kernels.
  private static final int TILE = 4;

  /// Prompts get so many tokens in any case, or as many as the batch has room for: they go on, however tight the time.
  private static final int FEWEST = TILE / 2;

  /// Before anything was measured.
  static final int FIRST = 32;

  /// A step with fewer tokens than that of its tiles says little about full ones: where tiles are few the kernels skip what is empty.
  private static final double FULL = 0.75;

  /// A time shorter than expected is believed sooner than a longer one: that may be a thread that had to wait for its processor.
  private static final double WEIGHT_OF_SHORTER = 0.5;

  private static final double WEIGHT_OF_LONGER = 0.2;

  private static final double NEVER_MEASURED = Double.POSITIVE_INFINITY;

  private final int maxTokens;
  private final long targetNanos;

  /// By the number of tiles, from 1 on: the time of a step for each of them.
  private final double[] tileNanosBeside;

  private final double[] tileNanosAlone;

  /// By the number of decodes: the time of a step of them alone; 0 = never measured.
  private final double[] decodeNanos;

  PromptBudget(EngineSettings settings) {
    maxTokens = settings.maxBatchTokens();
    targetNanos = settings.targetStepTime() == null ? 0 : settings.targetStepTime().toNanos();
    tileNanosBeside = new double[Math.ceilDiv(maxTokens, TILE) + 1];
    tileNanosAlone = new double[tileNanosBeside.length];
    decodeNanos = new double[settings.maxRunning() + 1];
    Arrays.fill(tileNanosBeside, NEVER_MEASURED);
    Arrays.fill(tileNanosAlone, NEVER_MEASURED);
  }

  /// The most prompt tokens for a step that gives one token to each of `numDecodes` sequences.
  int tokensBeside(int numDecodes) {
    int tiles = Math.ceilDiv(numDecodes + FEWEST, TILE);
    double[] tileNanos = known(numDecodes);
    double least = smallestMeasured(tileNanos);
    if (least == NEVER_MEASURED) {
      tiles = Math.max(tiles, FIRST / TILE);
    }
    double target = targetNanos(numDecodes);
    for (int i = 1; i < tileNanos.length; i++) {
      least = Math.min(least, tileNanos[i]);
      if (i > tiles && i * least <= target) {
        tiles = i;
      }
    }
    return Math.min(tiles * TILE, maxTokens) - numDecodes;
  }

  /// What is known best for a step beside `numDecodes`: until there was one, what steps took that had none.
  private double[] known(int numDecodes) {
    boolean beside = numDecodes > 0 && smallestMeasured(tileNanosBeside) != NEVER_MEASURED;
    return beside ? tileNanosBeside : tileNanosAlone;
  }

  private static double smallestMeasured(double[] tileNanos) {
    int tiles = 1;
    while (tiles < tileNanos.length - 1 && tileNanos[tiles] == NEVER_MEASURED) {
      tiles++;
    }
    return tileNanos[tiles];
  }

  private static double expectedNanos(double[] tileNanos, int tiles) {
    double least = smallestMeasured(tileNanos);
    for (int i = 1; i <= tiles; i++) {
      least = Math.min(least, tileNanos[i]);
    }
    return tiles * least;
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

  /// A step is over: it took `stepNanos`.
  void learn(int numDecodes, int numPromptTokens, long stepNanos) {
    // A clock may be too coarse to see it.
    long nanos = Math.max(1, stepNanos);
    if (numPromptTokens == 0) {
      double mean = decodeNanos[numDecodes];
      decodeNanos[numDecodes] = mean == 0 ? nanos : smooth(mean, nanos);
      return;
    }
    int tokens = numDecodes + numPromptTokens;
    int tiles = Math.ceilDiv(tokens, TILE);
    if (tokens >= FULL * tiles * TILE) {
      learn(numDecodes > 0 ? tileNanosBeside : tileNanosAlone, tiles, nanos);
    }
  }

  /// What makes a step slower or faster than was expected, a deeper context or a neighbour on the machine, does so to all of them.
  private static void learn(double[] tileNanos, int tiles, long nanos) {
    if (tileNanos[tiles] == NEVER_MEASURED) {
      tileNanos[tiles] = (double) nanos / tiles;
      return;
    }
    double expected = expectedNanos(tileNanos, tiles);
    double now = smooth(expected, nanos);
    for (int i = 1; i < tileNanos.length; i++) {
      tileNanos[i] *= now / expected;
    }
    tileNanos[tiles] = now / tiles;
  }

  private static double smooth(double mean, double value) {
    double weight = value < mean ? WEIGHT_OF_SHORTER : WEIGHT_OF_LONGER;
    return mean + weight * (value - mean);
  }

  /// What a step of `numDecodes` sequences takes. When there was none, because prompts came all the time: that of the nearest number
  /// that was measured, in proportion, but no more than a step of so many tiles. 0 = nothing was measured.
  private double decodeNanos(int numDecodes) {
    if (decodeNanos[numDecodes] > 0) {
      return decodeNanos[numDecodes];
    }
    int tiles = Math.ceilDiv(numDecodes, TILE);
    return Math.min(decodeNanosOfNearest(numDecodes), expectedNanos(tileNanosBeside, tiles));
  }

  private double decodeNanosOfNearest(int numDecodes) {
    for (int distance = 1; distance < decodeNanos.length; distance++) {
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
