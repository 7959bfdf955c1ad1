package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ExponentialTest {
  @Test
  void errsByLessThanTheStatedUlpsOverTheWholeRange() {
    double worst = 0;
    float worstAt = 0;
    // Every 257th float between the limits, both signs: all exponents, all low bits.
    for (int bits = 0; bits <= Float.floatToRawIntBits(104f); bits += 257) {
      for (float x : new float[] {Float.intBitsToFloat(bits), -Float.intBitsToFloat(bits)}) {
        double exact = StrictMath.exp(x);
        if (exact >= Float.MAX_VALUE) {
          continue;
        }
        double ulp = Math.max(Math.ulp((float) exact), Float.MIN_VALUE);
        double error = Math.abs(Exponential.exp(x) - exact) / ulp;
        if (error > worst) {
          worst = error;
          worstAt = x;
        }
      }
    }
    assertThat(worst).as("worst error in ulps, at %s", worstAt).isBetween(0.5, 1.1);
  }

  @Test
  void theEndsAreExact() {
    assertThat(Exponential.exp(0f)).isEqualTo(1f);
    assertThat(Exponential.exp(-0f)).isEqualTo(1f);
    assertThat(Exponential.exp(Float.NEGATIVE_INFINITY)).isEqualTo(0f);
    assertThat(Exponential.exp(-1000f)).isEqualTo(0f);
    assertThat(Exponential.exp(1000f)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Exponential.exp(Float.POSITIVE_INFINITY)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Exponential.exp(Float.NaN)).isNaN();
  }
}
