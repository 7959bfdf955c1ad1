package dev.slabstream.kernel;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.AuxCounters;
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

/// Matrix products of one token (decode), some (concurrent decodes) and many (prefill), over weights that no cache holds.
///
/// Counters: `weights` a second (1e9 of them take 0.625 GB a second in Q4_1, 1.0625 in Q8_0, 4 in F32), and `flops`, two for each
/// weight and token. A kernel that C2 gave up on shows as a figure 10 or 20 times below its neighbours.
@NullUnmarked // JMH and the set-up method fill the fields
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class MatmulBenchmark {
  private static final int ROWS = 3072;
  private static final int COLS = 768;
  private static final long BEYOND_CACHES_BYTES = 256L << 20;

  @Param({"Q4_1", "Q8_0", "F32"})
  ElementType type;

  @Param({"1", "4", "8", "512"})
  int tokens;

  @Param({"1", "2"})
  int threads;

  @Param({"VECTOR"})
  KernelBackend backend;

  @Param({"0"})
  int vectorBits;

  private Kernels kernels;
  private final List<PackedMatrix> weights = new ArrayList<>();
  private float[] x;
  private float[] y;
  private int next;

  /// Rates of the work done, in units a second.
  @AuxCounters
  @State(Scope.Thread)
  public static class Work {
    public double weights;
    public double flops;
  }

  @Setup
  public void pack() {
    kernels = Kernels.open(new KernelSettings(backend, vectorBits, threads));
    RandomTensors random = new RandomTensors(1);
    Tensor tensor = random.tensor(type, ROWS, COLS);
    for (long bytes = 0; bytes < BEYOND_CACHES_BYTES; bytes += tensor.data().byteSize()) {
      weights.add(kernels.pack(List.of(tensor)));
    }
    x = random.floats(tokens * COLS, 1f);
    y = new float[tokens * ROWS];
  }

  @TearDown
  public void close() {
    kernels.close();
  }

  @Benchmark
  public float[] product(Work work) {
    kernels.matmul(weights.get(next), x, y, tokens);
    next = (next + 1) % weights.size();
    work.weights += (double) ROWS * COLS;
    work.flops += 2.0 * ROWS * COLS * tokens;
    return y;
  }
}
