package dev.slabstream.sampling;

/// exp for weights of candidates: the same bits on every machine, which `Math.exp` does not promise, and several times as
/// fast as `StrictMath.exp`.
final class Exponential {
  private static final double LOG2_E = 1.4426950408889634;
  // ln 2 in two parts (Cody and Waite): the first has its 32 lowest bits zero, so that n times it
  // is exact.
  private static final double LN2_HIGH = 6.93147180369123816490e-01;
  private static final double LN2_LOW = 1.90821492927058770002e-10;

  private Exponential() {}

  /// exp(x) for x at most 0, with a relative error below 1e-8; 0 below -700.
  ///
  /// x = n ln 2 + r with |r| at most ln 2 / 2, exp(x) = 2^n exp(r), and exp(r) by its Taylor polynomial of degree 7, whose
  /// remainder is below 0.3466^8 / 8! = 6e-9.
  static double exp(double x) {
    if (x < -700) {
      return 0;
    }
    double n = Math.rint(x * LOG2_E);
    double r = x - n * LN2_HIGH - n * LN2_LOW;
    double p = 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1;
    p = p * r + 1;
    return p * Double.longBitsToDouble(((long) n + 1023) << 52);
  }
}
