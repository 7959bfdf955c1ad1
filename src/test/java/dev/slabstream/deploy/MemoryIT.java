package dev.slabstream.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.api.RawHttp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What the built jar, started by `bin/slabstream`, keeps in memory after it has served a crowd.
///
/// The slab is small here: the smaller it is, the less room a quarter of it leaves for the rest.
@EnabledOnOs(value = OS.LINUX, disabledReason = "reads /proc")
class MemoryIT {
  private static final long MEGABYTE = 1_000_000;
  private static final int NUM_REQUESTS = 40;
  private static final int NUM_CLIENTS = 8;

  @TempDir private static Path folder;
  private static LaunchedService service;

  @BeforeAll
  static void serveACrowd() throws Exception {
    service = LaunchedService.ready(folder.resolve("log"), "--slabstream.kv-cache.size=64MB");
    List<Callable<Integer>> requests = new ArrayList<>();
    for (int i = 0; i < NUM_REQUESTS; i++) {
      String body =
          """
          {"inputs": "Tell me of number %d.", "stream": %b,
           "parameters": {"max_new_tokens": %d, "ignore_eos": true, "temperature": 0.%d}}"""
              .formatted(i, i % 2 == 0, 8 + i % 9, i % 3);
      requests.add(() -> RawHttp.post(service.port(), "/generate", body).status());
    }
    try (ExecutorService clients = Executors.newFixedThreadPool(NUM_CLIENTS)) {
      for (Future<Integer> status : clients.invokeAll(requests)) {
        assertThat(status.get()).isEqualTo(200);
      }
    }
  }

  @AfterAll
  static void stop() {
    if (service != null) {
      service.close();
    }
  }

  @Test
  void residentMemoryIsWeightsAndSlabAndLittleMore() throws IOException {
    JsonNode info = info();
    long weightsBytes = info.path("weights_bytes").longValue();
    long slabBytes = info.path("kv_cache_bytes").longValue();
    assertThat(weightsBytes).isGreaterThan(50 * MEGABYTE);
    assertThat(slabBytes).isBetween(60 * MEGABYTE, 68 * MEGABYTE);

    long bound = (weightsBytes + slabBytes) * 5 / 4 + 400 * MEGABYTE;
    assertThat(residentBytes()).isBetween(weightsBytes + slabBytes, bound);
  }

  @Test
  void thePagesOfTheFileAreReleasedOnceItsWeightsArePacked() throws IOException {
    assertThat(residentBytes(".gguf")).isLessThan(MEGABYTE);
    // The same sum over a mapping that is there.
    assertThat(residentBytes("/libjvm.so")).isGreaterThan(MEGABYTE);
  }

  @Test
  void weightsLieInLargePagesWhereTheSystemOffersThem() throws IOException {
    Path setting = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");
    boolean offered = Files.isReadable(setting) && !Files.readString(setting).contains("[never]");
    long largeBytes =
        kilobytes(Files.readAllLines(proc("smaps")), "AnonHugePages:").stream()
            .mapToLong(kilobytes -> kilobytes * 1024)
            .sum();
    if (offered) {
      assertThat(largeBytes).isGreaterThan(info().path("weights_bytes").longValue() * 3 / 4);
    } else {
      assertThat(largeBytes).isZero();
    }
  }

  private static JsonNode info() throws IOException {
    return JsonMapper.shared()
        .readTree(RawHttp.exchange(service.port(), "GET", "/info", "").body());
  }

  private static Path proc(String file) {
    return Path.of("/proc", String.valueOf(service.pid()), file);
  }

  private static long residentBytes() throws IOException {
    return kilobytes(Files.readAllLines(proc("status")), "VmRSS:").getFirst() * 1024;
  }

  /// Of all mappings of files whose path ends so.
  private static long residentBytes(String pathSuffix) throws IOException {
    long bytes = 0;
    boolean wanted = false;
    for (String line : Files.readAllLines(proc("smaps"))) {
      if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
        wanted = line.endsWith(pathSuffix);
      } else if (wanted) {
        for (long kilobytes : kilobytes(List.of(line), "Rss:")) {
          bytes += kilobytes * 1024;
        }
      }
    }
    return bytes;
  }

  /// The values of all lines such as `Rss:    123 kB`.
  private static List<Long> kilobytes(List<String> lines, String name) {
    return lines.stream()
        .filter(line -> line.startsWith(name))
        .map(line -> Long.valueOf(line.replaceAll("\\D", "")))
        .toList();
  }
}
