package dev.slabstream.load;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Clients that each send their next request when their last one ended, for some time; what runs
/// then is read to its end.
final class ClosedLoop implements AutoCloseable {
  /// How long a client waits after a refusal.
  private static final Duration PAUSE = Duration.ofMillis(200);

  @FunctionalInterface
  interface Requests {
    /// Sends some, one after the other, and reads to the end.
    List<TokenStream> next() throws Exception;
  }

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Future<List<TokenStream>>> clients = new ArrayList<>();

  /// Starts them.
  ///
  /// @param requests is called by all clients at once
  ClosedLoop(int numClients, Duration duration, Requests requests) {
    long end = System.nanoTime() + duration.toNanos();
    for (int i = 0; i < numClients; i++) {
      clients.add(threads.submit(() -> client(end, requests)));
    }
  }

  private static List<TokenStream> client(long end, Requests requests) throws Exception {
    List<TokenStream> answers = new ArrayList<>();
    while (System.nanoTime() < end) {
      List<TokenStream> next = requests.next();
      answers.addAll(next);
      if (!next.getLast().error().isEmpty()) {
        Thread.sleep(PAUSE);
      }
    }
    return answers;
  }

  /// Waits for all; what each client got, in order.
  List<List<TokenStream>> answers() throws InterruptedException, ExecutionException {
    List<List<TokenStream>> all = new ArrayList<>();
    for (Future<List<TokenStream>> client : clients) {
      all.add(client.get());
    }
    return all;
  }

  @Override
  public void close() {
    threads.close();
  }
}
