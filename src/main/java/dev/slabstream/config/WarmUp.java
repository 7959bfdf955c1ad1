package dev.slabstream.config;

import dev.slabstream.engine.FinishReason;
import dev.slabstream.engine.Phase;
import dev.slabstream.engine.SequenceHandle;
import dev.slabstream.engine.SequenceListener;
import dev.slabstream.engine.SequenceRequest;
import dev.slabstream.engine.SequenceTimes;
import dev.slabstream.sampling.SampledToken;
import dev.slabstream.sampling.SamplingParams;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// A few requests that nobody asked for, so that the first one that somebody does meets compiled
/// code and touched memory.
final class WarmUp {
  private static final int PROMPT_TOKENS = 64;
  private static final int NEW_TOKENS = 32;

  /// After so long the service is better ready than warm: the model is large, or the kernels slow.
  private static final Duration LIMIT = Duration.ofSeconds(6);

  private WarmUp() {}

  /// Runs a greedy sequence and a sampling one through the started engine.
  ///
  /// @throws ModelUnusableException when the engine fails at it
  static void run(LoadedModel loaded) throws InterruptedException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    sequence(loaded, SamplingParams.greedy(), deadline);
    SamplingParams sampling = new SamplingParams(0.8, 40, 0.95, 0, 1, 1.1, 0, 0, Map.of(), 1, 2);
    sequence(loaded, sampling, deadline);
  }

  private static void sequence(LoadedModel loaded, SamplingParams sampling, long deadline)
      throws InterruptedException {
    int room = loaded.engine().maxSequenceTokens();
    int promptTokens = Math.min(PROMPT_TOKENS, room / 2);
    int newTokens = Math.min(NEW_TOKENS, room - promptTokens);
    int[] prompt = new int[promptTokens];
    for (int i = 0; i < prompt.length; i++) {
      prompt[i] = i % loaded.config().vocabSize();
    }
    Ended ended = new Ended();
    SequenceHandle handle =
        loaded
            .engine()
            .submit(
                new SequenceRequest(
                    prompt, newTokens, sampling, new int[0], new int[0], false, ended));
    try {
      try {
        ended.future.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        handle.cancel();
        ended.future.get();
      }
    } catch (ExecutionException e) {
      throw new ModelUnusableException(
          loaded.path() + ": the first steps failed: " + e.getCause(), e.getCause());
    }
  }

  private static final class Ended implements SequenceListener {
    private final CompletableFuture<Void> future = new CompletableFuture<>();

    @Override
    public void onAdmitted() {}

    @Override
    public void onPromptLogprobs(float[] logprobs) {}

    @Override
    public Verdict onToken(int index, SampledToken token) {
      return Verdict.CONTINUE;
    }

    @Override
    public void onFinished(FinishReason reason, SequenceTimes times) {
      future.complete(null);
    }

    @Override
    public void onFailed(Throwable cause, SequenceTimes times) {
      future.completeExceptionally(cause);
    }

    @Override
    public void onCancelled(Phase phase, SequenceTimes times) {
      future.complete(null);
    }
  }
}
