package dev.slabstream.load;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;

/// Clients that each send their next request when their last one ended, for some time; what runs
/// then is read to its end. One that is refused comes back as `Retry-After` says, or somewhat
/// earlier: so that those that were refused together do not come back together.
final class ClosedLoop implements AutoCloseable {
  @FunctionalInterface
  interface Requests {
    /// Sends some, one after the other, and reads to the end.
    List<Answer> next() throws Exception;
  }

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Future<List<Answer>>> clients = new ArrayList<>();

  /// Starts them.
  ///
  /// @param requests is called by all clients at once
  ClosedLoop(int numClients, Duration duration, Requests requests) {
    long end = System.nanoTime() + duration.toNanos();
    for (int i = 0; i < numClients; i++) {
      clients.add(threads.submit(() -> client(end, requests)));
    }
  }

  private static List<Answer> client(long end, Requests requests) throws Exception {
    List<Answer> answers = new ArrayList<>();
    while (System.nanoTime() < end) {
      List<Answer> next = requests.next();
      answers.addAll(next);
      pause(next.getLast().retryAfterSeconds() * 1000, end);
    }
    return answers;
  }

  /// From half of to the whole of `millis`, and not beyond the end.
  private static void pause(long millis, long endNanos) throws InterruptedException {
    long randomMillis = millis / 2 + ThreadLocalRandom.current().nextLong(millis / 2 + 1);
    long leftMillis = (endNanos - System.nanoTime()) / 1_000_000;
    Thread.sleep(Math.clamp(leftMillis, 0, randomMillis));
  }

  /// Waits for all; what each client got, in order.
  List<List<Answer>> answers() throws InterruptedException, ExecutionException {
    List<List<Answer>> all = new ArrayList<>();
    for (Future<List<Answer>> client : clients) {
      all.add(client.get());
    }
    return all;
  }

  @Override
  public void close() {
    threads.close();
  }
}
