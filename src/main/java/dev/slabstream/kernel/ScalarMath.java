package dev.slabstream.kernel;

import dev.slabstream.kernel.PackedPanels.Part;
import dev.slabstream.tensor.KvLayout;
import java.util.Arrays;

/// The reference: plain loops that state the order of every operation. What the vector backend computes equals this to the bit.
final class ScalarMath implements PanelMath {
  private static final int LANES = PackedPanels.PANEL_ROWS;

  @Override
  public int vectorBits() {
    return 0;
  }

  @Override
  public int blockTokens() {
    return 16;
  }

  @Override
  public void tile(Activations in, int firstToken, int numTokens, int fromCol, int toCol) {}

  @Override
  public void matmul(
      PackedPanels w,
      int panel,
      Activations in,
      int firstToken,
      int numTokens,
      float[] y,
      int worker) {
    Part part = w.partOf(panel);
    float[] acc = new float[numTokens * LANES];
    if (part.format().isGrouped()) {
      multiplyGroups(part, panel, in, firstToken, numTokens, acc);
    } else {
      multiplyPlain(part, panel, in, firstToken, numTokens, acc);
    }
    for (int t = 0; t < numTokens; t++) {
      int row = (firstToken + t) * w.rows() + part.firstRowOf(panel);
      System.arraycopy(acc, t * LANES, y, row, part.rowsOf(panel));
    }
  }

  private static void multiplyPlain(
      Part part, int panel, Activations in, int firstToken, int numTokens, float[] acc) {
    float[] x = in.x();
    float[] weights = new float[LANES];
    for (int k = 0; k < in.cols(); k++) {
      for (int lane = 0; lane < LANES; lane++) {
        weights[lane] = part.weight(panel, k, lane);
      }
      for (int t = 0; t < numTokens; t++) {
        addProducts(weights, 0, x[(firstToken + t) * in.cols() + k], acc, t * LANES);
      }
    }
  }

  private static void multiplyGroups(
      Part part, int panel, Activations in, int firstToken, int numTokens, float[] acc) {
    PanelFormat format = part.format();
    float[] x = in.termInputs();
    int groupElements = format.groupElements();
    float[] terms = new float[groupElements * LANES];
    float[] sums = new float[LANES];
    for (int group = 0; group < part.numGroups(); group++) {
      for (int k = 0; k < groupElements; k++) {
        for (int lane = 0; lane < LANES; lane++) {
          terms[k * LANES + lane] = part.term(panel, group * groupElements + k, lane);
        }
      }
      for (int t = 0; t < numTokens; t++) {
        Arrays.fill(sums, 0f);
        for (int k = 0; k < groupElements; k++) {
          float input = x[(firstToken + t) * in.cols() + group * groupElements + k];
          addProducts(terms, k * LANES, input, sums, 0);
        }
        for (int lane = 0; lane < LANES; lane++) {
          int at = t * LANES + lane;
          acc[at] = Math.fma(part.scale(panel, group, lane) * TERM_SCALE, sums[lane], acc[at]);
        }
      }
    }
    if (format.hasMinima()) {
      addMinima(part, panel, in, firstToken, numTokens, acc);
    }
  }

  private static void addMinima(
      Part part, int panel, Activations in, int firstToken, int numTokens, float[] acc) {
    float[] minima = new float[LANES];
    for (int group = 0; group < part.numGroups(); group++) {
      for (int lane = 0; lane < LANES; lane++) {
        minima[lane] = part.minimum(panel, group, lane);
      }
      for (int t = 0; t < numTokens; t++) {
        float inputSum = in.groupSums()[(firstToken + t) * in.numGroups() + group];
        addProducts(minima, 0, inputSum, acc, t * LANES);
      }
    }
  }

  private static void addProducts(float[] w, int wOffset, float x, float[] acc, int accOffset) {
    for (int lane = 0; lane < LANES; lane++) {
      acc[accOffset + lane] = Math.fma(w[wOffset + lane], x, acc[accOffset + lane]);
    }
  }

  @Override
  public void rmsNorm(
      float[] x,
      int xOffset,
      float[] weight,
      float eps,
      float[] out,
      int outOffset,
      int dim,
      int worker) {
    float[] squares = new float[PartialSums.COUNT];
    for (int i = 0; i < dim; i++) {
      float value = x[xOffset + i];
      squares[i % PartialSums.COUNT] = Math.fma(value, value, squares[i % PartialSums.COUNT]);
    }
    float scale = 1f / (float) Math.sqrt(PartialSums.combine(squares, 0) / dim + eps);
    for (int i = 0; i < dim; i++) {
      out[outOffset + i] = x[xOffset + i] * scale * weight[i];
    }
  }

  @Override
  public void layerNorm(
      float[] x,
      int xOffset,
      float[] weight,
      float[] bias,
      float eps,
      float[] out,
      int outOffset,
      int dim,
      int worker) {
    float[] partials = new float[PartialSums.COUNT];
    for (int i = 0; i < dim; i++) {
      partials[i % PartialSums.COUNT] += x[xOffset + i];
    }
    float mean = PartialSums.combine(partials, 0) / dim;
    Arrays.fill(partials, 0f);
    for (int i = 0; i < dim; i++) {
      float deviation = x[xOffset + i] - mean;
      partials[i % PartialSums.COUNT] =
          Math.fma(deviation, deviation, partials[i % PartialSums.COUNT]);
    }
    float scale = 1f / (float) Math.sqrt(PartialSums.combine(partials, 0) / dim + eps);
    for (int i = 0; i < dim; i++) {
      out[outOffset + i] = Math.fma((x[xOffset + i] - mean) * scale, weight[i], bias[i]);
    }
  }

  @Override
  public void attend(
      AttentionCall call,
      KvRun run,
      int kvHead,
      int partition,
      int firstToken,
      int numTokens,
      float[] partials,
      int partialsOffset,
      int worker) {
    int groupHeads = call.groupHeads();
    for (int t = firstToken; t < firstToken + numTokens; t++) {
      int position = run.startPosition() + t;
      int from = Math.max(call.firstSeen(position), partition * AttentionCall.PARTITION);
      int to = Math.min(position + 1, (partition + 1) * AttentionCall.PARTITION);
      for (int h = 0; h < groupHeads; h++) {
        int query = call.query(run.firstToken() + t, kvHead * groupHeads + h);
        int partial = partialsOffset + ((t - firstToken) * groupHeads + h) * call.partialFloats();
        attend(call, run, kvHead, query, from, to, partials, partial);
      }
    }
  }

  private static void attend(
      AttentionCall call,
      KvRun run,
      int kvHead,
      int queryOffset,
      int from,
      int to,
      float[] partials,
      int partial) {
    int headDim = call.layout().headDim();
    Arrays.fill(partials, partial, partial + call.partialFloats(), 0f);
    if (from >= to) {
      return;
    }
    float[] query = Arrays.copyOfRange(call.x(), queryOffset, queryOffset + headDim);
    float[] scores = new float[to - from];
    float max = Float.NEGATIVE_INFINITY;
    for (int p = from; p < to; p++) {
      scores[p - from] = score(call, run, kvHead, query, p);
      max = Math.max(max, scores[p - from]);
    }
    float[] sums = new float[PartialSums.COUNT];
    for (int p = from; p < to; p++) {
      float e = Exponential.exp(scores[p - from] - max);
      sums[p % PartialSums.COUNT] += e;
      addValue(call, run, kvHead, p, e, partials, partial + AttentionCall.PARTIAL_HEADER);
    }
    partials[partial] = max;
    partials[partial + 1] = PartialSums.combine(sums, 0);
  }

  private static float score(
      AttentionCall call, KvRun run, int kvHead, float[] query, int position) {
    KvLayout layout = call.layout();
    int slot = position % layout.blockTokens();
    int block = run.blocks()[position / layout.blockTokens()];
    long matrix = layout.keyOffset(call.layer(), block, kvHead);
    float[] key = new float[query.length];
    KvCodec.key(call.slab(), layout, matrix, slot, key);
    float score = 0f;
    for (int d = 0; d < query.length; d++) {
      score = Math.fma(query[d], key[d], score);
    }
    return score * (KvCodec.scale(call.slab(), layout, matrix, slot) * call.scale());
  }

  private static void addValue(
      AttentionCall call,
      KvRun run,
      int kvHead,
      int position,
      float e,
      float[] weighted,
      int offset) {
    KvLayout layout = call.layout();
    int slot = position % layout.blockTokens();
    int block = run.blocks()[position / layout.blockTokens()];
    long matrix = layout.valueOffset(call.layer(), block, kvHead);
    float weight = e * KvCodec.scale(call.slab(), layout, matrix, slot);
    float[] value = new float[layout.headDim()];
    KvCodec.value(call.slab(), layout, matrix, slot, value);
    for (int d = 0; d < value.length; d++) {
      weighted[offset + d] = Math.fma(weight, value[d], weighted[offset + d]);
    }
  }

  @Override
  public void swiGlu(
      float[] x, int gateOffset, int upOffset, float[] out, int outOffset, int numElements) {
    for (int i = 0; i < numElements; i++) {
      float gate = x[gateOffset + i];
      out[outOffset + i] = gate / (1f + Exponential.exp(-gate)) * x[upOffset + i];
    }
  }

  @Override
  public void gelu(float[] x, int offset, int numElements) {
    for (int i = offset; i < offset + numElements; i++) {
      float value = x[i];
      float u = GELU_SLOPE * Math.fma(GELU_CUBIC * value * value, value, value);
      x[i] = value / (1f + Exponential.exp(-2f * u));
    }
  }

  @Override
  public void summarize(float[] logits, int offset, int length, LogitsChunk out, int worker) {
    float max = Float.NEGATIVE_INFINITY;
    boolean finite = true;
    for (int i = 0; i < length; i++) {
      max = Math.max(max, logits[offset + i]);
      finite &= Float.isFinite(logits[offset + i]);
    }
    int argmax = 0;
    while (finite && logits[offset + argmax] != max) {
      argmax++;
    }
    float[] partials = new float[PartialSums.COUNT];
    for (int i = 0; i < length; i++) {
      partials[i % PartialSums.COUNT] += Exponential.exp(logits[offset + i] - max);
    }
    out.set(max, argmax, PartialSums.combine(partials, 0), finite);
  }

  @Override
  public float fmaChains(int steps) {
    float a = 0f;
    float b = 0f;
    float c = 0f;
    float d = 0f;
    float e = 0f;
    float f = 0f;
    float g = 0f;
    float h = 0f;
    float j = 0f;
    float k = 0f;
    for (int i = 0; i < steps; i++) {
      a = Math.fma(a, FMA_FACTOR, 1f);
      b = Math.fma(b, FMA_FACTOR, 1f);
      c = Math.fma(c, FMA_FACTOR, 1f);
      d = Math.fma(d, FMA_FACTOR, 1f);
      e = Math.fma(e, FMA_FACTOR, 1f);
      f = Math.fma(f, FMA_FACTOR, 1f);
      g = Math.fma(g, FMA_FACTOR, 1f);
      h = Math.fma(h, FMA_FACTOR, 1f);
      j = Math.fma(j, FMA_FACTOR, 1f);
      k = Math.fma(k, FMA_FACTOR, 1f);
    }
    return a + b + c + d + e + f + g + h + j + k;
  }
}
