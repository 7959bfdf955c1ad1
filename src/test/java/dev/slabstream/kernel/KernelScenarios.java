package dev.slabstream.kernel;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.KvType;
import dev.slabstream.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Every operation on odd sizes, from fixed seeds: name of the case → result. Two kernels agree when all results are equal bit for bit.
/// Run as a program, it prints one line a case, so that JVMs of different vector widths can be compared.
final class KernelScenarios {
  private static final int[] ROWS = {1, 3, 16, 31, 32, 33, 65};
  private static final int[] TOKENS = {1, 2, 3, 4, 5, 8, 12, 13, 33, 100};

  private final Kernels kernels;
  private final Map<String, float[]> results = new LinkedHashMap<>();

  private KernelScenarios(Kernels kernels) {
    this.kernels = kernels;
  }

  static Map<String, float[]> run(KernelSettings settings) {
    try (Kernels kernels = Kernels.open(settings)) {
      KernelScenarios scenarios = new KernelScenarios(kernels);
      scenarios.products();
      scenarios.rows();
      scenarios.rotations();
      scenarios.attentions();
      return scenarios.results;
    }
  }

  /// Arguments: backend, vector bits, threads.
  static void main(String[] args) {
    KernelSettings settings =
        new KernelSettings(
            KernelBackend.valueOf(args[0]), Integer.parseInt(args[1]), Integer.parseInt(args[2]));
    run(settings).forEach((name, result) -> System.out.println(digest(name, result)));
  }

  static String digest(String name, float[] result) {
    int[] bits = new int[result.length];
    Arrays.setAll(bits, i -> Float.floatToRawIntBits(result[i]));
    return name + " " + Integer.toHexString(Arrays.hashCode(bits));
  }

  private void products() {
    for (ElementType type : ElementType.values()) {
      int block = type.blockElements();
      int[] widths = block == 1 ? new int[] {1, 37, 300} : new int[] {block, 11 * block};
      for (int cols : widths) {
        for (int rows : ROWS) {
          RandomTensors random = new RandomTensors(type.ordinal() * 1000L + cols + rows);
          Tensor tensor = random.tensor(type, rows, cols);
          PackedMatrix w = kernels.pack(List.of(tensor));
          for (int tokens : rows == 33 ? TOKENS : new int[] {1, 2, 13}) {
            float[] y = filled(tokens * rows);
            kernels.matmul(w, random.floats(tokens * cols, 1f), y, tokens);
            results.put("product " + tensor.name() + " of " + tokens, y);
          }
          int[] chosen = {rows - 1, 0, rows / 2};
          float[] gathered = filled(3 * cols);
          kernels.gatherRows(w, chosen, 3, gathered);
          results.put("rows of " + tensor.name(), gathered);
        }
      }
    }
    RandomTensors random = new RandomTensors(99);
    List<Tensor> mixed = new ArrayList<>();
    for (ElementType type : ElementType.values()) {
      mixed.add(random.tensor(type, 40, 512));
    }
    PackedMatrix w = kernels.pack(mixed);
    for (int tokens : TOKENS) {
      float[] y = filled(tokens * w.rows());
      kernels.matmul(w, random.floats(tokens * 512, 1f), y, tokens);
      results.put("product of all types together, of " + tokens, y);
    }
    longRows();
    extremeCodes();
  }

  /// Many times what is unpacked at a time, and no multiple of it.
  private void longRows() {
    for (ElementType type : ElementType.values()) {
      RandomTensors random = new RandomTensors(type.ordinal());
      int cols = type.blockElements() == 256 ? 256 * 9 : 32 * 141;
      PackedMatrix w = kernels.pack(List.of(random.tensor(type, 33, cols)));
      for (int tokens : new int[] {1, 13, 100}) {
        float[] y = filled(tokens * 33);
        kernels.matmul(w, random.floats(tokens * cols, 1f), y, tokens);
        results.put("product of long rows, " + type + " of " + tokens, y);
      }
    }
  }

  /// The largest and smallest codes side by side, where what hangs on to a code is largest, and, in some panels, the one that is not
  /// packed as a code.
  private void extremeCodes() {
    int cols = 352;
    for (int lowest : new int[] {-127, -128}) {
      RandomTensors random = new RandomTensors(lowest);
      Tensor tensor = random.tensor(ElementType.Q8_0, 100, cols);
      random.extremeCodes(tensor, lowest == -127 ? 0 : 32, 64, lowest);
      PackedMatrix w = kernels.pack(List.of(tensor));
      for (int tokens : TOKENS) {
        float[] y = filled(tokens * 100);
        kernels.matmul(w, random.floats(tokens * cols, 1f), y, tokens);
        results.put("product of codes from " + lowest + " of " + tokens, y);
      }
      float[] rows = filled(100 * cols);
      int[] all = new int[100];
      Arrays.setAll(all, i -> i);
      kernels.gatherRows(w, all, all.length, rows);
      results.put("rows of codes from " + lowest, rows);
    }
  }

  private void rows() {
    for (int dim : new int[] {1, 3, 16, 31, 33, 100, 576, 2051}) {
      for (int tokens : new int[] {1, 7, 40}) {
        RandomTensors random = new RandomTensors(dim + tokens);
        String size = " of " + tokens + " x " + dim;
        float[] x = random.floats(tokens * dim, 8f);
        float[] weight = random.floats(dim, 2f);
        float[] bias = random.floats(dim, 1f);
        float[] out = filled(x.length);
        kernels.rmsNorm(x, weight, 1e-5f, out, tokens, dim);
        results.put("rmsNorm" + size, out.clone());
        kernels.layerNorm(x, weight, bias, 1e-5f, out, tokens, dim);
        results.put("layerNorm" + size, out.clone());
        kernels.swiGlu(random.floats(2 * tokens * dim, 90f), out, tokens, dim);
        results.put("swiGlu" + size, out.clone());
        kernels.addBias(out, bias, tokens, dim);
        kernels.add(out, x, x.length);
        results.put("sums" + size, out);
        float[] activated = random.floats(tokens * dim, 12f);
        kernels.gelu(activated, activated.length);
        results.put("gelu" + size, activated);
        Kernels.LogitsSummary summary = kernels.summarize(x, 0, x.length);
        results.put(
            "summary" + size, new float[] {summary.max(), summary.argmax(), summary.logSumExp()});
      }
    }
  }

  private void rotations() {
    for (RopePairing pairing : RopePairing.values()) {
      for (int headDim : new int[] {2, 16, 30, 64}) {
        RandomTensors random = new RandomTensors(headDim);
        int stride = 5 * headDim + 3;
        float[] x = random.floats(9 * stride, 2f);
        float[] cos = random.floats(9 * headDim / 2, 1f);
        float[] sin = random.floats(9 * headDim / 2, 1f);
        kernels.rope(x, 2, stride, cos, sin, pairing, 9, 4, headDim);
        kernels.rmsNormHeads(x, 2, stride, random.floats(headDim, 1f), 1e-6f, 9, 5, headDim);
        results.put("rope and head norm " + pairing + " " + headDim, x);
      }
    }
  }

  private void attentions() {
    for (int headDim : new int[] {8, 40, 64}) {
      for (int groupHeads : new int[] {1, 3}) {
        for (int blockTokens : new int[] {16, 48}) {
          for (int window : new int[] {0, 1, 20, 300}) {
            attention(headDim, groupHeads, blockTokens, window, KvType.F32);
          }
        }
        for (KvType type : List.of(KvType.F16, KvType.Q8)) {
          attention(headDim, groupHeads, 16, 0, type);
          attention(headDim, groupHeads, 48, 20, type);
        }
      }
    }
    // More dimensions than a row of queries holds.
    attention(264, 1, 16, 300, KvType.F16);
    // Queries that 2^112 makes infinite.
    AttentionFixture large =
        new AttentionFixture(kernels, new RandomTensors(5), 40, 16, 2, 16, 0, KvType.F16);
    large.enlargeQueries(1e5f);
    try (Arena arena = Arena.ofShared()) {
      large.open(arena);
      results.put("attention of large queries chunked", large.run(List.of(30, 1, 1, 7, 1)));
      results.put("attention of large queries whole", large.run(List.of(40)));
    }
    // More queries than share one reading of keys and values.
    for (KvType type : KvType.values()) {
      attention(16, 7, 16, 0, type);
    }
  }

  private void attention(int headDim, int groupHeads, int blockTokens, int window, KvType type) {
    RandomTensors random = new RandomTensors(headDim * groupHeads + window);
    AttentionFixture fixture =
        new AttentionFixture(kernels, random, 700, headDim, groupHeads, blockTokens, window, type);
    try (Arena arena = Arena.ofShared()) {
      fixture.open(arena);
      String name =
          "attention %s %d %d %d %d".formatted(type, headDim, groupHeads, blockTokens, window);
      results.put(name + " chunked", fixture.run(List.of(1, 7, 40, 13, 1, 200, 290, 1, 146, 1)));
      results.put(name + " whole", fixture.run(List.of(700)));
    }
  }

  private static float[] filled(int length) {
    float[] array = new float[length];
    Arrays.fill(array, Float.NaN);
    return array;
  }

  /// A sequence whose keys, values and queries are random: stores and attends chunk by chunk, over a slab full of NaN.
  static final class AttentionFixture {
    private final Kernels kernels;
    private final KvLayout layout;
    private final int window;
    private final int numHeads;
    private final int numTokens;
    private final int stride;
    private final float[] x;
    private final int[] blocks;
    private MemorySegment slab = MemorySegment.NULL;

    AttentionFixture(
        Kernels kernels,
        RandomTensors random,
        int numTokens,
        int headDim,
        int groupHeads,
        int blockTokens,
        int window,
        KvType type) {
      this.kernels = kernels;
      this.window = window;
      this.numTokens = numTokens;
      int numBlocks = (numTokens + blockTokens - 1) / blockTokens;
      layout = new KvLayout(2, numBlocks + 3, 2, headDim, blockTokens, type);
      numHeads = 2 * groupHeads;
      stride = (numHeads + 4) * headDim + 1;
      x = random.floats(numTokens * stride, 1.5f);
      blocks = new int[numBlocks];
      Arrays.setAll(blocks, i -> (i * 7 + 2) % (numBlocks + 3));
      if ((numBlocks + 3) % 7 == 0) {
        Arrays.setAll(blocks, i -> numBlocks - i);
      }
    }

    void enlargeQueries(float factor) {
      for (int t = 0; t < numTokens; t++) {
        for (int i = 0; i < numHeads * layout.headDim(); i++) {
          x[t * stride + i] *= factor;
        }
      }
    }

    void open(Arena arena) {
      slab = arena.allocate(layout.slabBytes(), 64);
    }

    /// Outputs of all tokens, computed in chunks of these sizes; blocks before the window are gone by the time of a chunk.
    float[] run(List<Integer> chunks) {
      // Not a number in the float types, and as a scale.
      slab.fill((byte) 0xFF);
      int headDim = layout.headDim();
      float[] out = filled(numTokens * numHeads * headDim);
      int position = 0;
      for (int size : chunks) {
        int[] table = blocks.clone();
        if (window > 0) {
          int gone = Math.max(0, position - window + 1) / layout.blockTokens();
          Arrays.fill(table, 0, gone, -1);
        }
        List<KvRun> runs = List.of(new KvRun(table, 0, size, position));
        float[] rows = Arrays.copyOfRange(x, position * stride, (position + size) * stride);
        int keys = numHeads * headDim;
        kernels.storeKv(rows, keys, keys + 2 * headDim, stride, slab, layout, 1, runs);
        float[] part = filled(size * numHeads * headDim);
        kernels.attention(rows, 0, stride, numHeads, 0.125f, window, slab, layout, 1, runs, part);
        System.arraycopy(part, 0, out, position * numHeads * headDim, part.length);
        position += size;
      }
      return out;
    }

    /// The same in double precision, straight from the definition.
    double[] expected() {
      int headDim = layout.headDim();
      double[] out = new double[numTokens * numHeads * headDim];
      for (int t = 0; t < numTokens; t++) {
        for (int head = 0; head < numHeads; head++) {
          attend(t, head, out, (t * numHeads + head) * headDim);
        }
      }
      return out;
    }

    private void attend(int token, int head, double[] out, int at) {
      int headDim = layout.headDim();
      int kvHead = head / (numHeads / layout.numKvHeads());
      int keys = (numHeads + kvHead) * headDim;
      int values = (numHeads + 2 + kvHead) * headDim;
      double sum = 0;
      for (int p = window == 0 ? 0 : Math.max(0, token - window + 1); p <= token; p++) {
        double score = 0;
        for (int d = 0; d < headDim; d++) {
          score += (double) x[token * stride + head * headDim + d] * x[p * stride + keys + d];
        }
        double e = Math.exp(score * 0.125);
        sum += e;
        for (int d = 0; d < headDim; d++) {
          out[at + d] += e * x[p * stride + values + d];
        }
      }
      for (int d = 0; d < headDim; d++) {
        out[at + d] /= sum;
      }
    }
  }
}
