package dev.slabstream.kernel;

/// The exponential function of every kernel and of sampling: one polynomial, the same bits on every machine.
///
/// `exp(x) = 2^n * exp(r)` with `n = round(x / ln 2)` and `|r| <= ln(2) / 2`; `exp(r)` is a polynomial of degree 7 (the
/// coefficients are those of Cephes' `expf`, S. Moshier), evaluated by fused multiply-adds. The error is below 1.1 units in the
/// last place, subnormal results included; overflow gives infinity, underflow 0, NaN stays NaN.
public final class Exponential {
  /// Beyond these the result is 0 or infinity whatever the exact value.
  public static final float LOWEST = -104f;

  public static final float HIGHEST = 89f;
  public static final float LOG2_E = 1.44269504f;

  /// 1.5 * 2^23: adding it to a small number rounds to an integer, which then stands in the low bits.
  public static final float ROUNDER = 12582912f;

  public static final int ROUNDER_BITS = 0x4B400000;

  /// ln 2 in two parts, the second one what the first lacks.
  public static final float LN2_HIGH = 0x1.62e43p-1f;

  public static final float LN2_LOW = -0x1.05c61p-29f;

  public static final float C2 = 5.0000001201E-1f;
  public static final float C3 = 1.6666665459E-1f;
  public static final float C4 = 4.1665795894E-2f;
  public static final float C5 = 8.3334519073E-3f;
  public static final float C6 = 1.3981999507E-3f;
  public static final float C7 = 1.9875691500E-4f;

  private Exponential() {}

  public static float exp(float x) {
    float clamped = Math.max(LOWEST, Math.min(HIGHEST, x));
    float shifted = Math.fma(clamped, LOG2_E, ROUNDER);
    int n = Float.floatToRawIntBits(shifted) - ROUNDER_BITS;
    float rounded = shifted - ROUNDER;
    float r = Math.fma(rounded, -LN2_LOW, Math.fma(rounded, -LN2_HIGH, clamped));
    float p = C7;
    p = Math.fma(p, r, C6);
    p = Math.fma(p, r, C5);
    p = Math.fma(p, r, C4);
    p = Math.fma(p, r, C3);
    p = Math.fma(p, r, C2);
    p = Math.fma(p, r * r, r) + 1f;
    // Two factors, so that neither leaves the normal range where the result is subnormal or
    // overflows.
    int half = n >> 1;
    return p * powerOfTwo(half) * powerOfTwo(n - half);
  }

  private static float powerOfTwo(int n) {
    return Float.intBitsToFloat((n + 127) << 23);
  }
}
