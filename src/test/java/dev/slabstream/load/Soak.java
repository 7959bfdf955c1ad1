package dev.slabstream.load;

import dev.slabstream.deploy.LaunchedService;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// A random mix for some minutes, by 1, 4, 16 and 64 clients in turn, three times over; the first
/// time is warm-up for what must not grow.
///
/// Bounds: resident memory and threads stay as they are, no lease is left, no error but the 429 that
/// is meant, as many tokens per second with 64 clients as with fewer, and nobody waits for a first
/// token longer than the queue takes.
final class Soak {
  private static final int[] NUM_CLIENTS = {1, 4, 16, 64};
  private static final int CYCLES = 3;
  private static final Duration BETWEEN_SAMPLES = Duration.ofSeconds(1);
  private static final Duration SETTLING = Duration.ofSeconds(3);

  private static final double MEGABYTE = 1e6;
  private static final double MAX_GROWTH_BYTES = 24 * MEGABYTE;
  private static final double MAX_THREADS_MORE = 2;
  private static final double MAX_ALLOCATED_BYTES_PER_TOKEN = 20_000;
  private static final double MIN_OF_BEST_RATE = 0.95;

  /// Of the time that a queue of all clients takes (Little's law).
  private static final double MAX_OF_QUEUE_TIME = 2;

  private final LaunchedService service;
  private final Duration slice;
  private final Report report = new Report("soak");
  private final long startNanos = System.nanoTime();
  private final List<ServiceGauges> gauges = new ArrayList<>();
  private final Map<Integer, List<Slice>> slices = new TreeMap<>();
  private final Map<String, Integer> errors = new TreeMap<>();

  /// What came of a number of clients at one time.
  ///
  /// @param seconds until the last answer was there
  private record Slice(long startNanos, double seconds, List<TokenStream> answers) {}

  /// @param generatedPerSecond tokens that came while all clients had a request under way and their number had settled
  private record OfClients(
      int clients,
      int answers,
      double generatedPerSecond,
      double answersPerSecond,
      double medianFirstTokenMillis,
      double p99FirstTokenMillis,
      double medianGapMillis,
      double p99GapMillis) {}

  /// After the warm-up.
  private record Measured(
      double seconds,
      double residentMegabytes,
      double residentSlopeMegabytesPerHour,
      double residentGrowthMegabytes,
      double threadsMin,
      double threadsMax,
      double allocatedBytesPerToken,
      double leasesAtTheEnd,
      Map<String, Integer> errors,
      List<OfClients> clients) {}

  private Soak(LaunchedService service, Duration duration) {
    this.service = service;
    slice = duration.dividedBy(CYCLES * NUM_CLIENTS.length);
  }

  /// @param args seconds in all; then settings of the service
  public static void main(String[] args) throws Exception {
    Duration duration = Duration.ofSeconds(Integer.parseInt(args[0]));
    String[] settings = Arrays.copyOfRange(args, 1, args.length);
    Files.createDirectories(Report.FOLDER);
    try (LaunchedService service =
        LaunchedService.ready(Report.FOLDER.resolve("soak.log"), settings)) {
      new Soak(service, duration).run();
    }
  }

  private void run() throws Exception {
    Thread sampler = Thread.ofVirtual().start(this::sample);
    double warmUpSeconds = 0;
    for (int cycle = 0; cycle < CYCLES; cycle++) {
      for (int numClients : NUM_CLIENTS) {
        long start = System.nanoTime();
        RandomMix mix = new RandomMix(service.port(), cycle);
        try (ClosedLoop loop = new ClosedLoop(numClients, slice, mix::next)) {
          List<TokenStream> answers = loop.answers().stream().flatMap(List::stream).toList();
          slices
              .computeIfAbsent(numClients, _ -> new ArrayList<>())
              .add(new Slice(start, (System.nanoTime() - start) / 1e9, answers));
        }
      }
      warmUpSeconds = cycle == 0 ? seconds() : warmUpSeconds;
    }
    sampler.interrupt();
    sampler.join();
    Thread.sleep(SETTLING);
    gauges.add(gauge());
    SoakPlot.write(Report.FOLDER.resolve("soak.svg"), gauges);
    report.end(judge(warmUpSeconds));
  }

  private Measured judge(double warmUpSeconds) {
    List<ServiceGauges> warm =
        gauges.stream().filter(each -> each.secondsSinceStart() >= warmUpSeconds).toList();
    ServiceGauges first = warm.getFirst();
    ServiceGauges last = warm.getLast();
    double seconds = last.secondsSinceStart() - first.secondsSinceStart();
    double slope = slope(warm);
    double growth = slope * seconds;
    report.bound(
        growth <= MAX_GROWTH_BYTES, "resident memory grew by %.1f MB".formatted(growth / MEGABYTE));
    double fewest = warm.stream().mapToDouble(ServiceGauges::threads).min().orElseThrow();
    double most = warm.stream().mapToDouble(ServiceGauges::threads).max().orElseThrow();
    report.bound(
        most - fewest <= MAX_THREADS_MORE, "threads: %.0f to %.0f".formatted(fewest, most));
    double allocated =
        (last.allocatedBytes() - first.allocatedBytes()) / (last.tokens() - first.tokens());
    report.bound(
        allocated <= MAX_ALLOCATED_BYTES_PER_TOKEN,
        "%.0f bytes allocated per token".formatted(allocated));
    report.bound(last.leases() == 0, "%.0f leases at the end".formatted(last.leases()));

    List<OfClients> clients = new ArrayList<>();
    slices.forEach((numClients, all) -> clients.add(ofClients(numClients, all)));
    double best = clients.stream().mapToDouble(OfClients::generatedPerSecond).max().orElseThrow();
    double withMost = clients.getLast().generatedPerSecond;
    report.bound(
        withMost >= MIN_OF_BEST_RATE * best,
        "%.1f tokens/s with most clients; at best %.1f".formatted(withMost, best));
    errors.forEach(
        (type, count) ->
            report.bound(type.equals("overloaded"), "%d times %s".formatted(count, type)));
    return new Measured(
        seconds,
        last.residentBytes() / MEGABYTE,
        slope * 3600 / MEGABYTE,
        growth / MEGABYTE,
        fewest,
        most,
        allocated,
        last.leases(),
        errors,
        clients);
  }

  private OfClients ofClients(int numClients, List<Slice> all) {
    List<Long> firstTokens = new ArrayList<>();
    List<Long> gaps = new ArrayList<>();
    double seconds = 0;
    int answers = 0;
    int tokens = 0;
    for (Slice each : all) {
      seconds += each.seconds;
      long end = each.startNanos + slice.toNanos();
      long settled = end - settledNanos();
      for (TokenStream answer : each.answers) {
        if (!answer.error().isEmpty()) {
          errors.merge(answer.error(), 1, Integer::sum);
          continue;
        }
        long[] nanos = answer.tokenNanos();
        answers++;
        for (long token : nanos) {
          tokens += token >= settled && token <= end ? 1 : 0;
        }
        if (nanos.length > 0) {
          firstTokens.add(answer.firstTokenNanos());
        }
        for (int i = 1; i < nanos.length; i++) {
          gaps.add(nanos[i] - nanos[i - 1]);
        }
      }
    }
    Millis first = Millis.ofNanos(firstTokens);
    Millis between = Millis.ofNanos(gaps);
    double queueMillis = 1e3 * numClients * seconds / answers;
    report.bound(
        first.p99() <= MAX_OF_QUEUE_TIME * queueMillis,
        "%d clients: the p99 of first tokens is %.0f ms; the queue takes %.0f"
            .formatted(numClients, first.p99(), queueMillis));
    return new OfClients(
        numClients,
        answers,
        tokens / (all.size() * settledNanos() / 1e9),
        answers / seconds,
        first.median(),
        first.p99(),
        between.median(),
        between.p99());
  }

  /// The last three quarters of a slice.
  private long settledNanos() {
    return slice.toNanos() / 4 * 3;
  }

  /// Bytes per second, by least squares.
  private static double slope(List<ServiceGauges> warm) {
    double t = warm.stream().mapToDouble(ServiceGauges::secondsSinceStart).average().orElseThrow();
    double r = warm.stream().mapToDouble(ServiceGauges::residentBytes).average().orElseThrow();
    double above = 0;
    double below = 0;
    for (ServiceGauges each : warm) {
      double dt = each.secondsSinceStart() - t;
      above += dt * (each.residentBytes() - r);
      below += dt * dt;
    }
    return above / below;
  }

  private void sample() {
    try {
      while (true) {
        gauges.add(gauge());
        Thread.sleep(BETWEEN_SAMPLES);
      }
    } catch (InterruptedException e) {
      // The end of the measurement.
    } catch (IOException e) {
      report.bound(false, "the meters could not be read: %s".formatted(e));
    }
  }

  private ServiceGauges gauge() throws IOException {
    return ServiceGauges.read(service.port(), service.pid(), seconds());
  }

  private double seconds() {
    return (System.nanoTime() - startNanos) / 1e9;
  }
}
