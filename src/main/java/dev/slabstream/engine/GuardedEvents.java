package dev.slabstream.engine;

import java.lang.System.Logger.Level;

/// Keeps what a watcher throws away from the engine, an [Error] too: it only looks on.
record GuardedEvents(EngineEvents watcher) implements EngineEvents {
  private static final System.Logger LOG = System.getLogger(GuardedEvents.class.getName());

  @Override
  public void onStep(int numTokens, int numPromptTokens, int numSequences, long nanos) {
    try {
      watcher.onStep(numTokens, numPromptTokens, numSequences, nanos);
    } catch (Throwable e) {
      warn(e);
    }
  }

  @Override
  public void onAdmitted(long queueNanos) {
    try {
      watcher.onAdmitted(queueNanos);
    } catch (Throwable e) {
      warn(e);
    }
  }

  @Override
  public void onFirstToken(long sinceSubmittedNanos, long prefillNanos) {
    try {
      watcher.onFirstToken(sinceSubmittedNanos, prefillNanos);
    } catch (Throwable e) {
      warn(e);
    }
  }

  @Override
  public void onNextToken(long sinceLastNanos) {
    try {
      watcher.onNextToken(sinceLastNanos);
    } catch (Throwable e) {
      warn(e);
    }
  }

  @Override
  public void onEnded(
      Outcome outcome, Phase phase, int promptTokens, int generatedTokens, SequenceTimes times) {
    try {
      watcher.onEnded(outcome, phase, promptTokens, generatedTokens, times);
    } catch (Throwable e) {
      warn(e);
    }
  }

  private static void warn(Throwable e) {
    Guarded.log(LOG, Level.WARNING, "A watcher of the engine failed", e);
  }
}
