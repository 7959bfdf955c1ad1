package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.vector.Lanes.F;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;

import dev.slabstream.kernel.Exponential;
import dev.slabstream.kernel.LogitsChunk;
import dev.slabstream.kernel.PanelMath;
import dev.slabstream.kernel.PartialSums;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// Norms, activations and sums over a row: loops over whole vectors, the rest element by element in the same operations. An instance
/// owns the scratch memory of one thread.
final class RowMath {
  private static final int COUNT = PartialSums.COUNT;

  private final float[] partials = new float[COUNT];

  void rmsNorm(
      float[] x, int xOffset, float[] weight, float eps, float[] out, int outOffset, int dim) {
    float scale = 1f / (float) Math.sqrt(sumOfSquares(x, xOffset, dim, 0f) / dim + eps);
    int i = 0;
    for (; i <= dim - LENGTH; i += LENGTH) {
      FloatVector.fromArray(F, x, xOffset + i)
          .mul(scale)
          .mul(FloatVector.fromArray(F, weight, i))
          .intoArray(out, outOffset + i);
    }
    for (; i < dim; i++) {
      out[outOffset + i] = x[xOffset + i] * scale * weight[i];
    }
  }

  void layerNorm(
      float[] x,
      int xOffset,
      float[] weight,
      float[] bias,
      float eps,
      float[] out,
      int outOffset,
      int dim) {
    float mean = sum(x, xOffset, dim) / dim;
    float scale = 1f / (float) Math.sqrt(sumOfSquares(x, xOffset, dim, mean) / dim + eps);
    int i = 0;
    for (; i <= dim - LENGTH; i += LENGTH) {
      FloatVector.fromArray(F, x, xOffset + i)
          .sub(mean)
          .mul(scale)
          .fma(FloatVector.fromArray(F, weight, i), FloatVector.fromArray(F, bias, i))
          .intoArray(out, outOffset + i);
    }
    for (; i < dim; i++) {
      out[outOffset + i] = Math.fma((x[xOffset + i] - mean) * scale, weight[i], bias[i]);
    }
  }

  private float sum(float[] x, int offset, int length) {
    int whole = length - length % COUNT;
    for (int lane = 0; lane < COUNT; lane += LENGTH) {
      FloatVector sum = FloatVector.zero(F);
      for (int i = lane; i < whole; i += COUNT) {
        sum = sum.add(FloatVector.fromArray(F, x, offset + i));
      }
      sum.intoArray(partials, lane);
    }
    for (int i = whole; i < length; i++) {
      partials[i % COUNT] += x[offset + i];
    }
    return PartialSums.combine(partials, 0);
  }

  /// Of the deviations from `mean`.
  private float sumOfSquares(float[] x, int offset, int length, float mean) {
    int whole = length - length % COUNT;
    for (int lane = 0; lane < COUNT; lane += LENGTH) {
      FloatVector sum = FloatVector.zero(F);
      for (int i = lane; i < whole; i += COUNT) {
        FloatVector deviation = FloatVector.fromArray(F, x, offset + i).sub(mean);
        sum = deviation.fma(deviation, sum);
      }
      sum.intoArray(partials, lane);
    }
    for (int i = whole; i < length; i++) {
      float deviation = x[offset + i] - mean;
      partials[i % COUNT] = Math.fma(deviation, deviation, partials[i % COUNT]);
    }
    return PartialSums.combine(partials, 0);
  }

  static void swiGlu(
      float[] x, int gateOffset, int upOffset, float[] out, int outOffset, int numElements) {
    int i = 0;
    for (; i <= numElements - LENGTH; i += LENGTH) {
      FloatVector gate = FloatVector.fromArray(F, x, gateOffset + i);
      gate.div(VectorExp.exp(gate.neg()).add(1f))
          .mul(FloatVector.fromArray(F, x, upOffset + i))
          .intoArray(out, outOffset + i);
    }
    for (; i < numElements; i++) {
      float gate = x[gateOffset + i];
      out[outOffset + i] = gate / (1f + Exponential.exp(-gate)) * x[upOffset + i];
    }
  }

  static void gelu(float[] x, int offset, int numElements) {
    int end = offset + numElements;
    int i = offset;
    for (; i <= end - LENGTH; i += LENGTH) {
      FloatVector value = FloatVector.fromArray(F, x, i);
      FloatVector u =
          value.mul(PanelMath.GELU_CUBIC).mul(value).fma(value, value).mul(PanelMath.GELU_SLOPE);
      value.div(VectorExp.exp(u.mul(-2f)).add(1f)).intoArray(x, i);
    }
    for (; i < end; i++) {
      float value = x[i];
      float u = PanelMath.GELU_SLOPE * Math.fma(PanelMath.GELU_CUBIC * value * value, value, value);
      x[i] = value / (1f + Exponential.exp(-2f * u));
    }
  }

  /// Replaces `x[i]` by `exp(x[i] - max)` and returns the sum; `length` is a multiple of 16, the first element belongs to partial
  /// sum 0.
  static float exponentials(float[] x, int offset, int length, float max, float[] partials) {
    for (int lane = 0; lane < COUNT; lane += LENGTH) {
      FloatVector sum = FloatVector.zero(F);
      for (int i = lane; i < length; i += COUNT) {
        FloatVector e = VectorExp.exp(FloatVector.fromArray(F, x, offset + i).sub(max));
        e.intoArray(x, offset + i);
        sum = sum.add(e);
      }
      sum.intoArray(partials, lane);
    }
    return PartialSums.combine(partials, 0);
  }

  void summarize(float[] logits, int offset, int length, LogitsChunk out) {
    FloatVector low = FloatVector.broadcast(F, Float.POSITIVE_INFINITY);
    FloatVector high = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (; i <= length - LENGTH; i += LENGTH) {
      FloatVector values = FloatVector.fromArray(F, logits, offset + i);
      low = low.min(values);
      high = high.max(values);
    }
    low.intoArray(partials, 0);
    float min = Float.POSITIVE_INFINITY;
    for (int lane = 0; lane < LENGTH; lane++) {
      min = Math.min(min, partials[lane]);
    }
    high.intoArray(partials, 0);
    float max = Float.NEGATIVE_INFINITY;
    for (int lane = 0; lane < LENGTH; lane++) {
      max = Math.max(max, partials[lane]);
    }
    for (; i < length; i++) {
      min = Math.min(min, logits[offset + i]);
      max = Math.max(max, logits[offset + i]);
    }
    // What is not a number is neither smallest nor largest: it makes both NaN.
    boolean finite = Float.isFinite(min) && Float.isFinite(max);
    int argmax = firstEqual(logits, offset, length, max);
    out.set(max, argmax, sumExp(logits, offset, length, max), finite);
  }

  /// Sum of `exp(x[i] - max)`.
  private float sumExp(float[] x, int offset, int length, float max) {
    int whole = length - length % COUNT;
    for (int lane = 0; lane < COUNT; lane += LENGTH) {
      FloatVector sum = FloatVector.zero(F);
      for (int i = lane; i < whole; i += COUNT) {
        sum = sum.add(VectorExp.exp(FloatVector.fromArray(F, x, offset + i).sub(max)));
      }
      sum.intoArray(partials, lane);
    }
    for (int i = whole; i < length; i++) {
      partials[i % COUNT] += Exponential.exp(x[offset + i] - max);
    }
    return PartialSums.combine(partials, 0);
  }

  /// Index of the first element equal to `value`; 0 when none is.
  private static int firstEqual(float[] x, int offset, int length, float value) {
    int i = 0;
    for (; i <= length - LENGTH; i += LENGTH) {
      VectorMask<Float> equal =
          FloatVector.fromArray(F, x, offset + i).compare(VectorOperators.EQ, value);
      if (equal.anyTrue()) {
        return i + equal.firstTrue();
      }
    }
    for (; i < length; i++) {
      if (x[offset + i] == value) {
        return i;
      }
    }
    return 0;
  }
}
