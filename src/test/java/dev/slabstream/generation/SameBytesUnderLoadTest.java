package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.engine.EngineSettings;
import dev.slabstream.kernel.Kernels;
import dev.slabstream.model.OwnJvm;
import dev.slabstream.model.TestBackend;
import dev.slabstream.model.TestModels;
import dev.slabstream.tensor.KvType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The promise "same request, same bytes" as a client sees it: 300 random requests, each alone with
/// one thread and the widest vectors, and then all of them in storms of many clients, with vectors
/// of each width (in JVMs of their own, see [OwnJvm]), one thread and two, small steps and large
/// ones, a slab with room for all and one for few, and prefixes that are cached in sessions or for
/// all.
@Timeout(600)
class SameBytesUnderLoadTest {
  private static final int NUM_REQUESTS = 300;
  private static final long SEED = 300;

  /// Holds what the requests give alone, a file for each target.
  @TempDir private static Path folder;

  /// What is stormed.
  private enum Target {
    FLOATS(TestModels.tiny("llama-a", "Q4_1"), KvType.F32),
    HALVES(TestModels.tiny("gpt2-a", "Q8_0"), KvType.F16),
    BYTES(TestModels.tiny("qwen3-a", "Q4_0"), KvType.Q8),
    /// Every layer has a window of 16.
    WINDOWS(TestModels.tiny("mistral-swa-a", "hf"), KvType.F32),
    EMBEDDED(TestModels.smolLm2(), KvType.Q8);

    private final Path model;
    private final KvType cache;

    Target(Path model, KvType cache) {
      this.model = model;
      this.cache = cache;
    }

    TinyService.Setup setup(int threads, int vectorBits) {
      return new TinyService.Setup(model, cache, TestBackend.VECTOR, threads, vectorBits);
    }
  }

  /// What it is stormed in.
  private enum Weather {
    /// Little room: who comes waits, chunks are small, and cached blocks are evicted.
    NARROW(1, 13, 3, 32, PrefixCacheScope.SESSION),
    SHARED(2, 48, 8, 64, PrefixCacheScope.GLOBAL),
    UNCACHED(1, 100, 6, 128, PrefixCacheScope.OFF),
    WIDE(2, 256, 16, 512, PrefixCacheScope.SESSION);

    private final int threads;
    private final int maxBatchTokens;
    private final int maxRunning;
    private final int numBlocks;
    private final PrefixCacheScope scope;

    Weather(
        int threads, int maxBatchTokens, int maxRunning, int numBlocks, PrefixCacheScope scope) {
      this.threads = threads;
      this.maxBatchTokens = maxBatchTokens;
      this.maxRunning = maxRunning;
      this.numBlocks = numBlocks;
      this.scope = scope;
    }

    /// Two for each target, other ones at each width: with one thread and with two.
    @SuppressWarnings("EnumOrdinal") // any order does
    static List<Weather> of(Target target, int vectorBits) {
      int first = target.ordinal() + Integer.numberOfTrailingZeros(vectorBits);
      return List.of(values()[first % 4], values()[(first + 1) % 4]);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {128, 256, 512})
  void aRequestGivesTheSameBytesAloneAndInAStorm(int vectorBits) throws Exception {
    storm(folder, vectorBits, Target.FLOATS, Target.HALVES, Target.BYTES, Target.WINDOWS);
  }

  /// The embedded model, see [EmbeddedModelStorm].
  static void stormTheEmbeddedModel(Path folder, int vectorBits) throws Exception {
    storm(folder, vectorBits, Target.EMBEDDED);
  }

  private static void storm(Path folder, int vectorBits, Target... targets) throws Exception {
    try (Kernels machine = TestBackend.VECTOR.open(1)) {
      int widest = machine.info().vectorBits();
      Assumptions.assumeTrue(
          vectorBits <= widest,
          () -> "this machine's vectors are narrower than the test needs: bits " + widest);
    }
    for (Target target : targets) {
      Path alone = folder.resolve(target.name());
      if (!Files.exists(alone)) {
        Transcript.write(alone, alone(target));
      }
    }
    List<String> lines =
        OwnJvm.run(
            SameBytesUnderLoadTest.class, List.of(), String.valueOf(vectorBits), folder.toString());
    assertThat(lines)
        .filteredOn(line -> line.startsWith("same bytes: "))
        .hasSize(2 * targets.length);
  }

  private static List<Transcript> alone(Target target) {
    try (TinyService service =
        new TinyService(
            target.setup(1, 0),
            new EngineSettings(1, 512, 1),
            64,
            PrefixCacheScope.OFF,
            GenerationObserver.NONE)) {
      List<Transcript> alone = Storm.alone(service, requests(service));
      assertThat(alone).hasSize(NUM_REQUESTS);
      for (String reason : List.of("LENGTH", "EOS_TOKEN", "STOP_SEQUENCE")) {
        assertThat(alone)
            .filteredOn(each -> each.lines().getLast().startsWith("finished " + reason))
            .as("requests to %s that end with %s", target, reason)
            .hasSizeGreaterThan(10);
      }
      return alone;
    }
  }

  private static List<StormClient> requests(TinyService service) {
    return StormRequests.of(SEED, NUM_REQUESTS, service.served());
  }

  /// In the JVM of one width: storms every target of which the folder tells what it gives alone.
  public static void main(String[] args) throws Exception {
    int vectorBits = Integer.parseInt(args[0]);
    for (Target target : Target.values()) {
      Path alone = Path.of(args[1], target.name());
      if (Files.exists(alone)) {
        for (Weather weather : Weather.of(target, vectorBits)) {
          storm(target, weather, vectorBits, Transcript.read(alone));
          System.out.println("same bytes: " + target + " in " + weather);
        }
      }
    }
  }

  private static void storm(Target target, Weather weather, int vectorBits, List<Transcript> alone)
      throws Exception {
    try (TinyService service =
        new TinyService(
            target.setup(weather.threads, vectorBits),
            new EngineSettings(64, weather.maxBatchTokens, weather.maxRunning),
            weather.numBlocks,
            weather.scope,
            GenerationObserver.NONE)) {
      assertThat(service.vectorBits()).isEqualTo(vectorBits);
      Storm.run(service, requests(service), alone, vectorBits + weather.maxBatchTokens);
      assertThat(service.engine().stats().cachedTokens() > 0)
          .as("prefixes were cached")
          .isEqualTo(weather.scope != PrefixCacheScope.OFF);
    }
  }
}
