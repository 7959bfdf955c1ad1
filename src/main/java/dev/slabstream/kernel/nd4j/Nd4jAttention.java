package dev.slabstream.kernel.nd4j;

import dev.slabstream.kernel.KvCodec;
import dev.slabstream.kernel.KvRun;
import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/// Attention as the textbook has it: gather keys and values, softmax(Q Kᵀ · scale + mask) V.
final class Nd4jAttention {
  /// Large enough to vanish in the softmax, small enough not to make NaN out of infinities.
  private static final float MASKED = -1e30f;

  void storeKv(
      float[] x,
      int keyOffset,
      int valueOffset,
      int stride,
      MemorySegment slab,
      KvLayout layout,
      int layer,
      List<KvRun> runs) {
    for (KvRun run : runs) {
      for (int t = 0; t < run.numTokens(); t++) {
        int row = (run.firstToken() + t) * stride;
        KvCodec.store(
            x,
            row + keyOffset,
            row + valueOffset,
            slab,
            layout,
            layer,
            run,
            run.startPosition() + t);
      }
    }
  }

  void attend(
      float[] x,
      int queryOffset,
      int stride,
      int numHeads,
      float scale,
      int window,
      MemorySegment slab,
      KvLayout layout,
      int layer,
      List<KvRun> runs,
      float[] out) {
    int headDim = layout.headDim();
    int group = numHeads / layout.numKvHeads();
    for (KvRun run : runs) {
      int last = run.startPosition() + run.numTokens() - 1;
      int first = window == 0 ? 0 : Math.max(0, run.startPosition() - window + 1);
      int numPositions = last - first + 1;
      for (int kvHead = 0; kvHead < layout.numKvHeads(); kvHead++) {
        float[] keys = new float[numPositions * headDim];
        float[] values = new float[numPositions * headDim];
        float[] key = new float[headDim];
        float[] value = new float[headDim];
        for (int p = first; p <= last; p++) {
          int block = run.blocks()[p / layout.blockTokens()];
          int slot = p % layout.blockTokens();
          long keyMatrix = layout.keyOffset(layer, block, kvHead);
          long valueMatrix = layout.valueOffset(layer, block, kvHead);
          float keyScale = KvCodec.scale(slab, layout, keyMatrix, slot);
          float valueScale = KvCodec.scale(slab, layout, valueMatrix, slot);
          KvCodec.key(slab, layout, keyMatrix, slot, key);
          KvCodec.value(slab, layout, valueMatrix, slot, value);
          for (int d = 0; d < headDim; d++) {
            keys[(p - first) * headDim + d] = keyScale * key[d];
            values[(p - first) * headDim + d] = valueScale * value[d];
          }
        }
        try (INDArray k = Nd4jKernels.rows(keys, numPositions, headDim);
            INDArray v = Nd4jKernels.rows(values, numPositions, headDim);
            INDArray mask = mask(run, first, numPositions, window)) {
          for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
            float[] queries = new float[run.numTokens() * headDim];
            for (int t = 0; t < run.numTokens(); t++) {
              int from = queryOffset + (run.firstToken() + t) * stride + h * headDim;
              System.arraycopy(x, from, queries, t * headDim, headDim);
            }
            float[] attended =
                attend(Nd4jKernels.rows(queries, run.numTokens(), headDim), k, v, mask, scale);
            for (int t = 0; t < run.numTokens(); t++) {
              System.arraycopy(
                  attended,
                  t * headDim,
                  out,
                  ((run.firstToken() + t) * numHeads + h) * headDim,
                  headDim);
            }
          }
        }
      }
    }
  }

  private static float[] attend(INDArray q, INDArray k, INDArray v, INDArray mask, float scale) {
    INDArray scores = q.mmul(k.transpose()).muli(scale).addi(mask);
    INDArray weights = Transforms.exp(scores.subiColumnVector(scores.max(true, 1)), false);
    weights.diviColumnVector(weights.sum(true, 1));
    return weights.mmul(v).dup('c').data().asFloat();
  }

  private static INDArray mask(KvRun run, int first, int numPositions, int window) {
    float[] mask = new float[run.numTokens() * numPositions];
    for (int t = 0; t < run.numTokens(); t++) {
      int query = run.startPosition() + t;
      for (int i = 0; i < numPositions; i++) {
        int position = first + i;
        boolean seen = position <= query && (window == 0 || position > query - window);
        mask[t * numPositions + i] = seen ? 0 : MASKED;
      }
    }
    return Nd4jKernels.rows(mask, run.numTokens(), numPositions);
  }
}
