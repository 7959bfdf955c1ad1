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

/// Attention of the last `tokens` positions of a context, with the heads of SmolLM2-135M: one layer.
@NullUnmarked // JMH and the set-up method fill the fields
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class AttentionBenchmark {
  private static final int HEADS = 9;
  private static final int KV_HEADS = 3;
  private static final int HEAD_DIM = 64;
  private static final int BLOCK_TOKENS = 16;

  @Param({"1", "512"})
  int tokens;

  @Param({"512", "4096"})
  int context;

  @Param({"1", "2"})
  int threads;

  @Param KvType type;

  private final Arena arena = Arena.ofShared();
  private Kernels kernels;
  private KvLayout layout;
  private MemorySegment slab;
  private List<KvRun> runs;
  private float[] x;
  private float[] out;

  @Setup
  public void fillSlab() {
    kernels = Kernels.open(new KernelSettings(KernelBackend.VECTOR, 0, threads));
    int numBlocks = context / BLOCK_TOKENS;
    layout = new KvLayout(1, numBlocks, KV_HEADS, HEAD_DIM, BLOCK_TOKENS, type);
    slab = arena.allocate(layout.slabBytes(), 64);
    RandomTensors random = new RandomTensors(1);
    int[] blocks = new int[numBlocks];
    Arrays.setAll(blocks, i -> i);
    int stride = 2 * KV_HEADS * HEAD_DIM;
    float[] keysAndValues = random.floats(context * stride, 1f);
    List<KvRun> whole = List.of(new KvRun(blocks, 0, context, 0));
    kernels.storeKv(keysAndValues, 0, stride / 2, stride, slab, layout, 0, whole);
    runs = List.of(new KvRun(blocks, 0, tokens, context - tokens));
    x = random.floats(tokens * HEADS * HEAD_DIM, 1f);
    out = new float[x.length];
  }

  @TearDown
  public void close() {
    kernels.close();
    arena.close();
  }

  @Benchmark
  public float[] attention() {
    kernels.attention(x, 0, HEADS * HEAD_DIM, HEADS, 0.125f, 0, slab, layout, 0, runs, out);
    return out;
  }
}
