package dev.slabstream.generation;

import java.util.concurrent.atomic.AtomicInteger;

/// Lets a test act in the middle of somebody's work: at the n-th call of something that is called
/// on the way, on the caller's thread.
final class CallHook {
  private final AtomicInteger callsUntilAction = new AtomicInteger();
  private volatile Runnable action = () -> {};

  /// Runs `action` once, in a call from now on.
  ///
  /// @param call 1 = the next one
  void at(int call, Runnable action) {
    this.action = action;
    callsUntilAction.set(call);
  }

  /// The call throws that there is no memory.
  void failAt(int call) {
    at(
        call,
        () -> {
          throw new OutOfMemoryError("injected");
        });
  }

  /// Nothing is run that has not been yet.
  void clear() {
    callsUntilAction.set(0);
  }

  /// Is called where the calls are.
  void called() {
    if (callsUntilAction.getAndDecrement() == 1) {
      action.run();
    }
  }
}
