package dev.slabstream.generation;

import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;

/// A stream on its way to its subscriber. When memory runs out on that way, Reactor takes it for the end of the JVM and tells neither
/// side: whoever makes the stream would go on for somebody who never hears of it. Here `failed` is told; whoever subscribed gets to see
/// what was thrown.
final class HandOver<T> extends FluxOperator<T, T> {
  private final Runnable failed;

  /// @param failed must not throw
  HandOver(Flux<T> stream, Runnable failed) {
    super(stream);
    this.failed = failed;
  }

  @Override
  public void subscribe(CoreSubscriber<? super T> subscriber) {
    try {
      source.subscribe(subscriber);
    } catch (Throwable e) {
      failed.run();
      throw e;
    }
  }
}
