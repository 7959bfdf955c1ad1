package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kvcache.KvLease;
import dev.slabstream.model.TestModels.Loaded;
import dev.slabstream.tensor.KvType;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A forward pass allocates nothing, on no thread, but the summary that each row of logits is handed out with.
class ForwardAllocationTest {
  /// The last sequence gets to see more than one partition of attention.
  private static final int[] PROMPTS = {16, 230};

  private static final int DECODE_STEPS = 24;
  private static final int CHUNKS = 2;

  /// More than a block of the matrix kernels, and no multiple of their tiles.
  private static final int CHUNK_TOKENS = 101;

  /// A header, two floats, an int and a boolean.
  private static final long SUMMARY_BYTES = 32;

  private static final LogitsSink SINK = (slice, token, logits, offset, summary) -> {};

  @ParameterizedTest
  @CsvSource({
    "llama-a, Q4_1, F32, 1",
    "llama-a, Q4_1, F32, 2",
    "llama-a, Q8_0, F16, 2",
    "mistral-swa-a, hf, F32, 1",
    "qwen3-a, hf, Q8, 2",
    "gpt2-a, F16, F32, 1",
  })
  void decodingAllocatesSummariesOnly(String name, String tag, KvType cache, int numSequences)
      throws Exception {
    assertAllocatesSummariesOnly(name, tag, cache, numSequences, DECODE_STEPS, 1);
  }

  @ParameterizedTest
  @CsvSource({"llama-a, Q4_1, Q8, 1", "qwen3-a, hf, F32, 1"})
  void aChunkOfAPromptAllocatesSummariesOnly(
      String name, String tag, KvType cache, int numSequences) throws Exception {
    assertAllocatesSummariesOnly(name, tag, cache, numSequences, CHUNKS, CHUNK_TOKENS);
  }

  private static void assertAllocatesSummariesOnly(
      String name, String tag, KvType cache, int numSequences, int numSteps, int stepTokens)
      throws Exception {
    long bytes =
        AllocationMeter.countInOwnJvm(
            ForwardAllocationTest.class,
            name,
            tag,
            cache.name(),
            String.valueOf(numSequences),
            String.valueOf(numSteps),
            String.valueOf(stepTokens));

    assertThat(bytes).isLessThanOrEqualTo(bound(numSequences, numSteps));
  }

  private static long bound(int numSequences, int numSteps) {
    return SUMMARY_BYTES * numSequences * numSteps;
  }

  /// Prints the bytes that so many steps of so many tokens of each sequence allocate.
  public static void main(String[] args) {
    KvType cache = KvType.valueOf(args[2]);
    int numSequences = Integer.parseInt(args[3]);
    int numSteps = Integer.parseInt(args[4]);
    int stepTokens = Integer.parseInt(args[5]);
    try (Kernels kernels = TestBackend.VECTOR.open(2);
        Loaded loaded = TestModels.load(TestModels.tiny(args[0], args[1]), kernels, 40, cache)) {
      AllocationMeter meter = new AllocationMeter(kernels);
      System.out.println(
          AllocationMeter.least(
              bound(numSequences, numSteps),
              () -> advance(loaded, numSequences, numSteps, stepTokens, meter)));
    }
  }

  /// The same positions each time: those beyond what rotary tables held would make them grow.
  private static long advance(
      Loaded loaded, int numSequences, int numSteps, int stepTokens, AllocationMeter meter) {
    List<KvLease> leases = new ArrayList<>();
    for (int s = PROMPTS.length - numSequences; s < PROMPTS.length; s++) {
      int prompt = PROMPTS[s];
      int chunk = Math.max(prompt, stepTokens);
      KvLease lease = loaded.slab().lease(prompt + numSteps * stepTokens, 0, chunk).orElseThrow();
      leases.add(lease);
      forward(loaded, List.of(lease), prompt, meter);
    }
    long bytes = 0;
    for (int i = 0; i < numSteps; i++) {
      bytes += forward(loaded, leases, stepTokens, meter);
    }
    leases.forEach(KvLease::close);
    return bytes;
  }

  /// Computes the next `count` tokens of each sequence; returns what that allocates.
  private static long forward(
      Loaded loaded, List<KvLease> leases, int count, AllocationMeter meter) {
    List<Slice> slices = new ArrayList<>();
    for (KvLease lease : leases) {
      lease.extend(count);
      slices.add(new Slice(lease, new int[count], 0, count, LogitsFor.LAST));
    }
    long bytes = meter.bytes(() -> loaded.model().forward(slices, SINK));
    leases.forEach(lease -> lease.advance(count));
    return bytes;
  }
}
