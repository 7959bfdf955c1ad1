package dev.slabstream.kernel;

import dev.slabstream.tensor.KvLayout;
import dev.slabstream.tensor.KvType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// What lies between products and attention: norms, rotations, activations, storing keys and values, summaries of logits. Sizes are those
/// of SmolLM2-135M: 9 heads of 64 that share 3 of keys and values, a hidden layer of 1,536, 49,152 logits.
@NullUnmarked // the set-up method fills the fields
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class RowBenchmark {
  private static final int HEAD_DIM = 64;
  private static final int NUM_HEADS = 9;
  private static final int NUM_KV_HEADS = 3;
  private static final int DIM = NUM_HEADS * HEAD_DIM;
  private static final int QKV_DIM = (NUM_HEADS + 2 * NUM_KV_HEADS) * HEAD_DIM;
  private static final int HIDDEN = 1536;
  private static final int VOCABULARY = 49_152;
  private static final int MAX_TOKENS = 512;

  @Param({"1", "512"})
  int tokens;

  @Param({"1", "2"})
  int threads;

  @Param({"Q8"})
  KvType cache;

  private final Arena arena = Arena.ofShared();
  private Kernels kernels;
  private float[] x;
  private float[] qkv;
  private float[] gateUp;
  private float[] hidden;
  private float[] logits;
  private float[] weight;
  private float[] cos;
  private float[] sin;
  private KvLayout layout;
  private MemorySegment slab;
  private List<KvRun> runs;

  @Setup
  public void fill() {
    kernels = Kernels.open(new KernelSettings(KernelBackend.VECTOR, 0, threads));
    RandomTensors random = new RandomTensors(1);
    x = random.floats(tokens * DIM, 1f);
    qkv = random.floats(tokens * QKV_DIM, 1f);
    gateUp = random.floats(tokens * 2 * HIDDEN, 4f);
    hidden = random.floats(tokens * HIDDEN, 4f);
    logits = random.floats(VOCABULARY, 10f);
    weight = random.floats(DIM, 1f);
    // The same angle again and again: lengths stay.
    cos = new float[tokens * HEAD_DIM / 2];
    sin = new float[cos.length];
    Arrays.fill(cos, 0.8f);
    Arrays.fill(sin, 0.6f);
    int numBlocks = MAX_TOKENS / KvLayout.STRIP_TOKENS;
    int[] blocks = new int[numBlocks];
    Arrays.setAll(blocks, i -> i);
    layout = new KvLayout(1, numBlocks, NUM_KV_HEADS, HEAD_DIM, KvLayout.STRIP_TOKENS, cache);
    slab = arena.allocate(layout.slabBytes(), 64);
    runs = List.of(new KvRun(blocks, 0, tokens, 0));
  }

  @TearDown
  public void close() {
    kernels.close();
    arena.close();
  }

  @Benchmark
  public float[] rmsNorm() {
    kernels.rmsNorm(x, weight, 1e-5f, hidden, tokens, DIM);
    return hidden;
  }

  @Benchmark
  public float[] layerNorm() {
    kernels.layerNorm(x, weight, weight, 1e-5f, hidden, tokens, DIM);
    return hidden;
  }

  @Benchmark
  public float[] rope() {
    kernels.rope(
        qkv, 0, QKV_DIM, cos, sin, RopePairing.INTERLEAVED, tokens, NUM_HEADS, HEAD_DIM);
    return qkv;
  }

  @Benchmark
  public float[] swiGlu() {
    kernels.swiGlu(gateUp, hidden, tokens, HIDDEN);
    return hidden;
  }

  @Benchmark
  public float[] gelu() {
    kernels.gelu(hidden, tokens * HIDDEN);
    return hidden;
  }

  @Benchmark
  public MemorySegment storeKv() {
    int values = DIM + NUM_KV_HEADS * HEAD_DIM;
    kernels.storeKv(qkv, DIM, values, QKV_DIM, slab, layout, 0, runs);
    return slab;
  }

  /// Of one token, however many there are.
  @Benchmark
  public Kernels.LogitsSummary summarize() {
    return kernels.summarize(logits, 0, VOCABULARY);
  }
}
