package dev.slabstream.load;

import dev.slabstream.deploy.LaunchedService;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// A random mix for some minutes, by 1, 4, 16 and 64 clients in turn, three times over; the first
/// time is warm-up. 64 clients are more than run and wait together, so some are refused. What is
/// asked of it: [SoakResult].
final class Soak {
  private static final int[] NUM_CLIENTS = {1, 4, 16, 64};
  private static final int CYCLES = 3;
  private static final Duration BETWEEN_SAMPLES = Duration.ofSeconds(1);
  private static final Duration SETTLING = Duration.ofSeconds(3);

  /// With the 32 that run by default, 16 less than the most clients.
  static final int MAX_QUEUE = 16;

  /// What came of a number of clients at one time. Seconds are those of the measurement.
  ///
  /// @param cycle from 0
  /// @param end of sending; what was under way then was read to its end
  record Slice(int cycle, int clients, double start, double end, List<Answer> answers) {}

  private final LaunchedService service;
  private final Duration slice;
  private final long startNanos = System.nanoTime();
  private final List<ServiceGauges> gauges = new ArrayList<>();
  private final List<Slice> slices = new ArrayList<>();
  private final CountDownLatch sent = new CountDownLatch(1);
  private final Report report = new Report("soak");

  private Soak(LaunchedService service, Duration duration) {
    this.service = service;
    slice = duration.dividedBy(CYCLES * NUM_CLIENTS.length);
  }

  /// @param args seconds in which requests are sent; then settings of the service
  public static void main(String[] args) throws Exception {
    Duration duration = Duration.ofSeconds(Integer.parseInt(args[0]));
    String[] settings = args.clone();
    settings[0] = "--slabstream.engine.max-queue=" + MAX_QUEUE;
    Files.createDirectories(Report.FOLDER);
    try (LaunchedService service =
        LaunchedService.ready(Report.FOLDER.resolve("soak.log"), settings)) {
      new Soak(service, duration).run();
    }
  }

  private void run() throws Exception {
    Thread sampler = Thread.ofVirtual().start(this::sample);
    for (int cycle = 0; cycle < CYCLES; cycle++) {
      for (int numClients : NUM_CLIENTS) {
        double start = seconds();
        RandomMix mix = new RandomMix(service.port(), cycle);
        try (ClosedLoop loop = new ClosedLoop(numClients, slice, mix::next)) {
          List<Answer> answers = loop.answers().stream().flatMap(List::stream).toList();
          double end = start + slice.toNanos() / 1e9;
          slices.add(new Slice(cycle, numClients, start, end, answers));
          System.out.printf(
              "%.0f s: %d clients had %d answers%n", seconds(), numClients, answers.size());
        }
      }
    }
    sent.countDown();
    sampler.join();
    Thread.sleep(SETTLING);
    gauges.add(gauge());
    SoakPlot.write(Report.FOLDER.resolve("soak.svg"), gauges, slices);
    report.end(SoakResult.of(gauges, slices, report));
  }

  private void sample() {
    try {
      // Not ended by an interrupt, which would break off the reading of a sample.
      do {
        gauges.add(gauge());
      } while (!sent.await(BETWEEN_SAMPLES.toMillis(), TimeUnit.MILLISECONDS));
    } catch (IOException | InterruptedException | RuntimeException e) {
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
