package dev.slabstream.kernel;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.KvType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/// Each vector kernel against a loop that every C2 turns into vector instructions, `y += a * x`, in one process, by one thread.
///
/// Where C2 does not inline a part of a kernel, or keeps its vectors in objects, the kernel runs 5 to 100 times slower and nothing
/// else tells. How its rate compares with the loop's hardly depends on the machine, nor on what else runs there: the best of many
/// calls counts, and the two take turns. A kernel is slow when its ratio is below a quarter of the usual one.
///
/// Run as a program: prints a line for each kernel and ends with code 1 if one is slow. Code has to be compiled first, so it goes on
/// for as many rounds as it takes until none is, and gives up after the seconds in its argument.
final class KernelSpeed implements AutoCloseable {
  private static final int LOOP_ELEMENTS = 4096;
  private static final int MANY_TOKENS = 24;
  private static final int ROWS = 64;
  private static final int COLS = 512;
  private static final int HEAD_DIM = 64;
  private static final int GROUP_HEADS = 3;
  private static final int POSITIONS = 500;
  private static final int NUM_HEADS = 4;
  private static final int HEAD_TOKENS = 32;

  /// Tokens by which a product has its shapes: one, few, many that hardly pay, and many.
  private static final int[] PRODUCT_TOKENS = {1, 4, 5, MANY_TOKENS};

  /// So long a kernel runs in its turn, or once.
  private static final long SLICE_NANOS = 1_000_000;

  private static final int LOOP_WARM_UP_SLICES = 200;

  private final Kernels kernels = Kernels.open(new KernelSettings(KernelBackend.VECTOR, 0, 1));
  private final Arena arena = Arena.ofShared();
  private final RandomTensors random = new RandomTensors(1);
  private final Probe loop;
  private final List<Probe> probes = new ArrayList<>();

  private KernelSpeed() {
    float[] x = random.floats(LOOP_ELEMENTS, 1f);
    float[] y = new float[LOOP_ELEMENTS];
    loop = new Probe("loop", LOOP_ELEMENTS, 1, () -> addScaled(y, x));
    for (ElementType type : ElementType.values()) {
      products(type);
    }
    for (KvType type : KvType.values()) {
      attention(type);
    }
    rows();
    heads();
  }

  /// Argument: seconds after which it gives up.
  static void main(String[] args) {
    long limitNanos = TimeUnit.SECONDS.toNanos(Long.parseLong(args[0]));
    boolean slow;
    try (KernelSpeed speed = new KernelSpeed()) {
      slow = speed.isSlow(limitNanos);
    }
    System.exit(slow ? 1 : 0);
  }

  private boolean isSlow(long limitNanos) {
    long start = System.nanoTime();
    for (int i = 0; i < LOOP_WARM_UP_SLICES; i++) {
      loop.run();
    }
    boolean slow;
    do {
      for (Probe probe : probes) {
        loop.run();
        probe.run();
      }
      slow = probes.stream().anyMatch(probe -> probe.isSlow(loop));
    } while (slow && System.nanoTime() - start < limitNanos);
    probes.forEach(probe -> System.out.println(probe.describe(loop)));
    return slow;
  }

  @Override
  public void close() {
    kernels.close();
    arena.close();
  }

  private static void addScaled(float[] y, float[] x) {
    for (int i = 0; i < y.length; i++) {
      y[i] += 0.001f * x[i];
    }
  }

  private void products(ElementType type) {
    PackedMatrix w = kernels.pack(List.of(random.tensor(type, ROWS, COLS)));
    for (int tokens : PRODUCT_TOKENS) {
      float[] x = random.floats(tokens * COLS, 1f);
      float[] y = new float[tokens * ROWS];
      String name = "product of " + type + ", tokens " + tokens;
      add(
          name,
          (long) tokens * ROWS * COLS,
          tokens == MANY_TOKENS ? 1.3 : 0.7,
          () -> kernels.matmul(w, x, y, tokens));
    }
  }

  private void attention(KvType type) {
    int blockTokens = KvLayout.STRIP_TOKENS;
    int[] blocks = new int[(POSITIONS + blockTokens - 1) / blockTokens];
    Arrays.setAll(blocks, i -> i);
    KvLayout layout = new KvLayout(1, blocks.length, 1, HEAD_DIM, blockTokens, type);
    MemorySegment slab = arena.allocate(layout.slabBytes(), 64);
    int stride = (GROUP_HEADS + 2) * HEAD_DIM;
    int keys = GROUP_HEADS * HEAD_DIM;
    float[] all = random.floats(POSITIONS * stride, 1f);
    List<KvRun> whole = List.of(new KvRun(blocks, 0, POSITIONS, 0));
    kernels.storeKv(all, keys, keys + HEAD_DIM, stride, slab, layout, 0, whole);
    List<KvRun> some = List.of(new KvRun(blocks, 0, HEAD_TOKENS, 0));
    add(
        "storeKv as " + type,
        2L * HEAD_TOKENS * HEAD_DIM,
        type == KvType.F32 ? 0.035 : 0.019,
        () -> kernels.storeKv(all, keys, keys + HEAD_DIM, stride, slab, layout, 0, some));
    for (int tokens : new int[] {1, 16}) {
      List<KvRun> runs = List.of(new KvRun(blocks, 0, tokens, POSITIONS - tokens));
      float[] out = new float[tokens * keys];
      add(
          "attention over " + type + ", tokens " + tokens,
          2L * POSITIONS * keys * tokens,
          tokens == 1 ? 0.75 : 1.25,
          () ->
              kernels.attention(
                  all, 0, stride, GROUP_HEADS, 0.125f, 0, slab, layout, 0, runs, out));
    }
  }

  private void rows() {
    float[] x = random.floats(LOOP_ELEMENTS, 4f);
    float[] gateUp = random.floats(2 * LOOP_ELEMENTS, 4f);
    float[] weight = random.floats(LOOP_ELEMENTS, 1f);
    float[] out = new float[LOOP_ELEMENTS];
    add("rmsNorm", LOOP_ELEMENTS, 0.23, () -> kernels.rmsNorm(x, weight, 1e-5f, out, 1, x.length));
    add(
        "layerNorm",
        LOOP_ELEMENTS,
        0.15,
        () -> kernels.layerNorm(x, weight, weight, 1e-5f, out, 1, x.length));
    add("swiGlu", LOOP_ELEMENTS, 0.064, () -> kernels.swiGlu(gateUp, out, 1, LOOP_ELEMENTS));
    float[] activated = x.clone();
    add("gelu", LOOP_ELEMENTS, 0.053, () -> kernels.gelu(activated, LOOP_ELEMENTS));
    add("summarize", LOOP_ELEMENTS, 0.06, () -> kernels.summarize(x, 0, LOOP_ELEMENTS));
    float[] sum = x.clone();
    add("add", LOOP_ELEMENTS, 0.9, () -> kernels.add(sum, weight, LOOP_ELEMENTS));
    add("addBias", LOOP_ELEMENTS, 0.17, () -> kernels.addBias(sum, weight, 1, LOOP_ELEMENTS));
  }

  /// What is done to heads between products and attention, of some tokens.
  private void heads() {
    int dim = NUM_HEADS * HEAD_DIM;
    int elements = HEAD_TOKENS * dim;
    float[] x = random.floats(elements, 1f);
    float[] weight = random.floats(HEAD_DIM, 1f);
    add(
        "rmsNormHeads",
        elements,
        0.056,
        () -> kernels.rmsNormHeads(x, 0, dim, weight, 1e-5f, HEAD_TOKENS, NUM_HEADS, HEAD_DIM));
    // Turned by the same angle again and again: lengths stay.
    float[] cos = new float[HEAD_TOKENS * HEAD_DIM / 2];
    float[] sin = new float[cos.length];
    Arrays.fill(cos, 0.8f);
    Arrays.fill(sin, 0.6f);
    for (RopePairing pairing : RopePairing.values()) {
      add(
          "rope " + pairing,
          elements,
          0.069,
          () -> kernels.rope(x, 0, dim, cos, sin, pairing, HEAD_TOKENS, NUM_HEADS, HEAD_DIM));
    }
  }

  private void add(String name, long work, double usual, Runnable kernel) {
    probes.add(new Probe(name, work, usual, kernel));
  }

  /// One kernel.
  private static final class Probe {
    private final String name;
    private final long work;
    private final double usualRatio;
    private final Runnable kernel;
    private double bestNanos = Double.POSITIVE_INFINITY;

    /// @param work multiply-adds, or elements, of one call
    /// @param usualRatio usual rate in units of the loop's
    Probe(String name, long work, double usualRatio, Runnable kernel) {
      this.name = name;
      this.work = work;
      this.usualRatio = usualRatio;
      this.kernel = kernel;
    }

    void run() {
      long start = System.nanoTime();
      long last = start;
      do {
        kernel.run();
        long now = System.nanoTime();
        bestNanos = Math.min(bestNanos, now - last);
        last = now;
      } while (last - start < SLICE_NANOS);
    }

    double rate() {
      return work / bestNanos;
    }

    boolean isSlow(Probe loop) {
      return rate() / loop.rate() < usualRatio / 4;
    }

    String describe(Probe loop) {
      return String.format(
          Locale.ROOT,
          "%-4s %s: %.3f of the loop's rate, usually %.3f",
          isSlow(loop) ? "SLOW" : "ok",
          name,
          rate() / loop.rate(),
          usualRatio);
    }
  }
}
