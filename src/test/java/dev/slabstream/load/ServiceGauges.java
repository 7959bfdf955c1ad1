package dev.slabstream.load;

import dev.slabstream.api.RawHttp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// What a service in a process of its own says of itself, and the system of it, at one moment.
///
/// @param secondsSinceStart of the measurement
/// @param allocatedBytes on the heap, since its start, counted when the collector runs
/// @param admitted requests that were admitted since its start and have ended
/// @param promptTokens computed since its start
/// @param generatedTokens since its start
record ServiceGauges(
    double secondsSinceStart,
    double residentBytes,
    double threads,
    double leases,
    double allocatedBytes,
    double admitted,
    double promptTokens,
    double generatedTokens) {

  static ServiceGauges read(int port, long pid, double secondsSinceStart) throws IOException {
    String meters = RawHttp.exchange(port, "GET", "/actuator/prometheus", "").body();
    return new ServiceGauges(
        secondsSinceStart,
        1024 * sum(Files.readString(Path.of("/proc", String.valueOf(pid), "status")), "VmRSS:"),
        sum(meters, "jvm_threads_live_threads"),
        sum(meters, "slabstream_kv_leases"),
        sum(meters, "jvm_gc_memory_allocated_bytes_total"),
        sum(meters, "slabstream_queue_time_seconds_count"),
        sum(meters, "slabstream_prompt_tokens_total"),
        sum(meters, "slabstream_generated_tokens_total"));
  }

  /// Of prompts and new ones, computed since its start.
  double tokens() {
    return promptTokens + generatedTokens;
  }

  /// The sum of the first number of each line that begins with `name`, and with nothing or labels behind it.
  private static double sum(String lines, String name) {
    return lines
        .lines()
        .filter(line -> line.startsWith(name))
        .map(line -> line.substring(name.length()).replaceFirst("^\\{[^}]*}", ""))
        .filter(rest -> rest.matches("\\s.*"))
        .mapToDouble(rest -> Double.parseDouble(rest.strip().replaceFirst("\\s.*", "")))
        .reduce(Double::sum)
        .orElseThrow(() -> new IllegalStateException("the service does not tell " + name));
  }
}
