package dev.slabstream.load;

import dev.slabstream.load.Soak.Slice;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/// What a [Soak] measured; all but `errors` after the warm-up.
///
/// Bounds: resident memory and threads stay as they are, little heap is allocated for a token, no
/// lease is left, no error but the 429 that is meant, and that with most clients only, as many tokens per second with most clients as
/// with fewer, and who is taken waits for a first token no longer than the queue takes.
///
/// @param seconds from the first to the last moment of it
/// @param residentSlopeMegabytesPerHour by least squares
/// @param residentGrowthMegabytes what that makes in `seconds`
/// @param refused requests that got a 429
/// @param errors of all other types, how many
record SoakResult(
    double seconds,
    double residentMegabytes,
    double residentSlopeMegabytesPerHour,
    double residentGrowthMegabytes,
    double threadsMin,
    double threadsMax,
    double allocatedBytesPerToken,
    double leasesAtTheEnd,
    int refused,
    Map<String, Integer> errors,
    List<OfClients> clients) {
  private static final double MEGABYTE = 1e6;
  private static final double MAX_GROWTH_BYTES = 24 * MEGABYTE;
  private static final double MAX_THREADS_MORE = 2;
  private static final double MAX_ALLOCATED_BYTES_PER_TOKEN = 20_000;
  private static final double MIN_OF_BEST_RATE = 0.95;

  /// Of the time in which a full queue leaves: a request's own prompt is computed after it.
  private static final double MAX_OF_QUEUE_TIME = 2;

  /// Of a slice: what comes before is not what so many clients do, but how they begin.
  private static final double SETTLED_AFTER = 0.25;

  private static final String REFUSED = "overloaded";

  /// With a number of clients.
  ///
  /// @param tokensPerSecond of prompts and new ones, when the number of clients has settled: the mix
  ///     is the same for all, and this is not disturbed by which of the two there is more of just
  ///     then
  /// @param queueMillis in which a full queue leaves at this rate of admission
  record OfClients(
      int clients,
      int answers,
      int refused,
      double tokensPerSecond,
      double generatedPerSecond,
      double admittedPerSecond,
      double queueMillis,
      double medianFirstTokenMillis,
      double p99FirstTokenMillis,
      double medianGapMillis,
      double p99GapMillis) {

    static OfClients of(int numClients, List<Slice> slices, List<ServiceGauges> gauges) {
      List<Answer> all = slices.stream().flatMap(each -> each.answers().stream()).toList();
      List<Answer> good = all.stream().filter(Answer::isGood).toList();
      Millis first = Answer.firstTokens(good);
      Millis between = Answer.gaps(good);
      double admittedPerSecond = rate(slices, gauges, ServiceGauges::admitted);
      return new OfClients(
          numClients,
          good.size(),
          count(all, REFUSED),
          rate(slices, gauges, ServiceGauges::tokens),
          rate(slices, gauges, ServiceGauges::generatedTokens),
          admittedPerSecond,
          1e3 * Soak.MAX_QUEUE / admittedPerSecond,
          first.median(),
          first.p99(),
          between.median(),
          between.p99());
    }

    /// For each second in which the slices have settled.
    private static double rate(
        List<Slice> slices, List<ServiceGauges> gauges, ToDoubleFunction<ServiceGauges> counter) {
      double counted = 0;
      double seconds = 0;
      for (Slice slice : slices) {
        double from = slice.start() + SETTLED_AFTER * (slice.end() - slice.start());
        List<ServiceGauges> settled = between(gauges, from, slice.end());
        ServiceGauges first = settled.getFirst();
        ServiceGauges last = settled.getLast();
        counted += counter.applyAsDouble(last) - counter.applyAsDouble(first);
        seconds += last.secondsSinceStart() - first.secondsSinceStart();
      }
      return counted / seconds;
    }
  }

  static SoakResult of(List<ServiceGauges> gauges, List<Slice> slices, Report report) {
    List<Slice> measured = slices.stream().filter(slice -> slice.cycle() > 0).toList();
    List<ServiceGauges> warm =
        between(gauges, measured.getFirst().start(), Double.POSITIVE_INFINITY);
    ServiceGauges first = warm.getFirst();
    ServiceGauges last = warm.getLast();
    double seconds = last.secondsSinceStart() - first.secondsSinceStart();
    double slope = slope(warm);
    List<OfClients> clients = new ArrayList<>();
    new TreeMap<>(measured.stream().collect(Collectors.groupingBy(Slice::clients)))
        .forEach((number, ofNumber) -> clients.add(OfClients.of(number, ofNumber, warm)));
    List<Answer> answers = slices.stream().flatMap(each -> each.answers().stream()).toList();
    Map<String, Integer> errors = new TreeMap<>();
    for (Answer answer : answers) {
      if (!answer.isGood() && !answer.error().equals(REFUSED)) {
        errors.merge(answer.error(), 1, Integer::sum);
      }
    }
    SoakResult result =
        new SoakResult(
            seconds,
            last.residentBytes() / MEGABYTE,
            slope * 3600 / MEGABYTE,
            slope * seconds / MEGABYTE,
            warm.stream().mapToDouble(ServiceGauges::threads).min().orElseThrow(),
            warm.stream().mapToDouble(ServiceGauges::threads).max().orElseThrow(),
            (last.allocatedBytes() - first.allocatedBytes()) / (last.tokens() - first.tokens()),
            last.leases(),
            count(answers, REFUSED),
            errors,
            clients);
    result.judge(report);
    return result;
  }

  private void judge(Report report) {
    report.bound(
        residentGrowthMegabytes * MEGABYTE <= MAX_GROWTH_BYTES,
        "resident memory grew by %.1f MB".formatted(residentGrowthMegabytes));
    report.bound(
        threadsMax - threadsMin <= MAX_THREADS_MORE,
        "threads: %.0f to %.0f".formatted(threadsMin, threadsMax));
    report.bound(
        allocatedBytesPerToken <= MAX_ALLOCATED_BYTES_PER_TOKEN,
        "%.0f bytes allocated per token".formatted(allocatedBytesPerToken));
    report.bound(leasesAtTheEnd == 0, "%.0f leases at the end".formatted(leasesAtTheEnd));
    report.bound(errors.isEmpty(), "errors: %s".formatted(errors));

    double best = clients.stream().mapToDouble(OfClients::tokensPerSecond).max().orElseThrow();
    OfClients most = clients.getLast();
    report.bound(
        most.tokensPerSecond >= MIN_OF_BEST_RATE * best,
        "%.1f tokens/s with most clients; at best %.1f".formatted(most.tokensPerSecond, best));
    report.bound(most.refused > 0, "nobody was refused");
    for (OfClients each : clients.subList(0, clients.size() - 1)) {
      report.bound(
          each.refused == 0, "%d clients: %d were refused".formatted(each.clients, each.refused));
    }
    report.bound(
        most.p99FirstTokenMillis <= MAX_OF_QUEUE_TIME * most.queueMillis,
        "%d clients: the p99 of first tokens is %.0f ms; a full queue leaves in %.0f"
            .formatted(most.clients, most.p99FirstTokenMillis, most.queueMillis));
  }

  private static int count(List<Answer> answers, String error) {
    return (int) answers.stream().filter(answer -> answer.error().equals(error)).count();
  }

  private static List<ServiceGauges> between(List<ServiceGauges> gauges, double from, double to) {
    return gauges.stream()
        .filter(each -> each.secondsSinceStart() >= from && each.secondsSinceStart() <= to)
        .toList();
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
}
