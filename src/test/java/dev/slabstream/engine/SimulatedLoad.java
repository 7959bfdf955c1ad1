package dev.slabstream.engine;

import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.model.LogitsFor;
import dev.slabstream.model.Slice;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;

/// Clients in closed loops, each of which sends its next request when its last one ended, or comes back as it was told when it was
/// refused; an engine; and time that passes as on a machine of two cores: 10 ms for a token, 35 for eight at once, 440 tokens of a
/// prompt in a second and half as many behind 2,500 others, one step now faster and now slower than that.
final class SimulatedLoad implements AutoCloseable {
  record Request(int promptTokens, int newTokens) {}

  private record FirstToken(int promptTokens, long nanos) {}

  private record Arrival(long atNanos, int number, int client) {}

  private static final double MILLI = 1e6;

  /// Standard deviation of the logarithm of a step's time.
  private static final double SCATTER = 0.1;

  private final FakeClock clock = new FakeClock();
  private final FakeModel model = new FakeModel(5_000, 0);
  private final Random random = new Random(1);
  private final Engine engine;
  private final IntFunction<Request> requests;
  private final PriorityQueue<Arrival> arrivals =
      new PriorityQueue<>(
          Comparator.comparingLong(Arrival::atNanos).thenComparingInt(Arrival::number));
  private final List<FirstToken> firstTokens = new ArrayList<>();
  private int numArrivals;
  private int numRefused;

  /// @param requests the next one of a client
  SimulatedLoad(KvSlab slab, EngineSettings settings, IntFunction<Request> requests) {
    this.requests = requests;
    model.recording = false;
    model.duration = this::pass;
    engine = new Engine(settings, model, slab, clock);
  }

  void run(int numClients, int seconds) {
    for (int client = 0; client < numClients; client++) {
      arrive(client, clock.getAsLong());
    }
    long end = clock.getAsLong() + (long) (seconds * 1000 * MILLI);
    while (clock.getAsLong() < end) {
      takeIn(clock.getAsLong());
      if (engine.step() == 0) {
        clock.advance(arrivals.element().atNanos - clock.getAsLong());
      }
    }
  }

  int numServed() {
    return firstTokens.size();
  }

  int numRefused() {
    return numRefused;
  }

  /// Times to the first token of those whose prompts have so many tokens, in seconds: the one that `share` of them do not exceed.
  double firstTokenSeconds(IntPredicate promptTokens, double share) {
    double[] sorted =
        firstTokens.stream()
            .filter(each -> promptTokens.test(each.promptTokens))
            .mapToDouble(each -> each.nanos / 1e9)
            .sorted()
            .toArray();
    return sorted[(int) Math.ceil(share * sorted.length) - 1];
  }

  private void arrive(int client, long atNanos) {
    arrivals.add(new Arrival(atNanos, numArrivals++, client));
  }

  /// Those that come until `nanos`, each when it does.
  private void takeIn(long nanos) {
    while (!arrivals.isEmpty() && arrivals.element().atNanos <= nanos) {
      Arrival arrival = arrivals.remove();
      clock.advance(Math.max(0, arrival.atNanos - clock.getAsLong()));
      submit(arrival.client);
    }
  }

  private void submit(int client) {
    Request request = requests.apply(client);
    long sentNanos = clock.getAsLong();
    RecordingListener listener = new RecordingListener();
    listener.before =
        what -> {
          long nowNanos = clock.getAsLong();
          if (what.equals("token 0")) {
            firstTokens.add(new FirstToken(request.promptTokens, nowNanos - sentNanos));
          } else if (what.startsWith("finished")) {
            arrive(client, nowNanos);
          }
        };
    int[] prompt = Requests.prompt(client, request.promptTokens);
    try {
      engine.submit(Requests.request(prompt, request.newTokens, listener));
    } catch (OverloadedException e) {
      numRefused++;
      double millis = 1000 * e.retryAfterSeconds() * random.nextDouble(0.5, 1);
      arrive(client, sentNanos + (long) (millis * MILLI));
    }
  }

  private void pass(List<Slice> batch) {
    double scatter = Math.exp(SCATTER * random.nextGaussian());
    long end = clock.getAsLong() + (long) (millis(batch) * scatter * MILLI);
    takeIn(end);
    clock.advance(end - clock.getAsLong());
  }

  private static double millis(List<Slice> batch) {
    int tokens = 0;
    int logits = 0;
    double attention = 0;
    for (Slice slice : batch) {
      tokens += slice.count();
      logits += slice.logits() == LogitsFor.NONE ? 0 : 1;
      double keys = slice.from() + slice.count() / 2.0;
      attention += slice.count() * keys * (slice.count() == 1 ? 0.001_85 : 0.000_9);
    }
    double layers = tokens <= 4 ? 6 + 2.0 * tokens : 10 + 9.0 * Math.ceilDiv(tokens, 4);
    double head = logits <= 4 ? 1.6 + 0.5 * logits : 2.7 + 1.9 * Math.ceilDiv(logits, 4);
    return layers + (logits == 0 ? 0 : head) + attention;
  }

  @Override
  public void close() {
    engine.close();
  }
}
