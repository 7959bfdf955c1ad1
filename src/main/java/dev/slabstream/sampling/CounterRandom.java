package dev.slabstream.sampling;

/// Random numbers that are a function of (seed, index): nothing is carried from one token to the next, so neither the batch
/// nor a restart in the middle of an answer changes what is drawn. It is SplitMix64 (Steele, Lea and Flood, "Fast Splittable
/// Pseudorandom Number Generators", OOPSLA 2014), entered at any index; the seed is mixed first, so that the sequences of
/// related seeds are not shifted copies of each other.
final class CounterRandom {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private CounterRandom() {}

  /// At least 0, below 1, in steps of 2^-53.
  static double uniform(long seed, int index) {
    return (mix(mix(seed) + (index + 1L) * GOLDEN_GAMMA) >>> 11) * 0x1p-53;
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
