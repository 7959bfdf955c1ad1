package dev.slabstream.config;

import dev.slabstream.engine.FinishReason;
import dev.slabstream.engine.OverloadedException;
import dev.slabstream.engine.Phase;
import dev.slabstream.engine.SequenceHandle;
import dev.slabstream.engine.SequenceListener;
import dev.slabstream.engine.SequenceRequest;
import dev.slabstream.engine.SequenceTimes;
import dev.slabstream.sampling.SampledToken;
import dev.slabstream.sampling.SamplingParams;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Requests that nobody asked for, so that the first one that somebody does meets compiled code and
/// touched memory.
///
/// A vector operation that C2 has not compiled yet makes an object and costs a thousand times as
/// much, so the little ones come first: they meet every kernel soon, and C2 is done with most when
/// the long prompt comes. The first one asks for log-probabilities of its prompt: the product of
/// several tokens with the output matrix, whose codes are of another type than the layers', would
/// else come last, and undo compilations that were made without it.
final class WarmUp {
  /// After so long the service is better ready than warm: the model is large, or the kernels slow.
  private static final Duration LIMIT = Duration.ofSeconds(6);

  /// Every step of the sampler, also those that few requests ask for, and log-probabilities.
  private static final List<SamplingParams> SAMPLING =
      List.of(
          new SamplingParams(0.8, 0, 0.95, 0.01, 0.9, 1.1, 0.1, 0.1, Map.of(0, 1.0), 1, 2),
          new SamplingParams(0.7, 40, 0.9, 0, 1, 1, 0, 0, Map.of(), 2, 0),
          new SamplingParams(1, 0, 1, 0, 1, 1, 0, 0, Map.of(), 3, 0),
          new SamplingParams(0, 0, 1, 0, 1, 1.1, 0, 0, Map.of(), 4, 5));

  private static final Stage SHORT =
      new Stage("a short request", 0, List.of(SamplingParams.greedy()), 5, 16, true);

  /// More than a block of the matrix kernels and than a partition of attention.
  private static final Stage LONG =
      new Stage("a long prompt", 50, List.of(SamplingParams.greedy()), 272, 4, false);

  private static final Stage SAMPLED =
      new Stage("sampling, and requests over HTTP", 80, SAMPLING, 13, 12, true);

  /// Requests that run together.
  ///
  /// @param percent how much of the warm-up is done when it begins
  private record Stage(
      String name,
      int percent,
      List<SamplingParams> requests,
      int promptTokens,
      int newTokens,
      boolean promptLogprobs) {}

  private final LoadedModel loaded;
  private final LoadProgress progress;
  private final long deadline = System.nanoTime() + LIMIT.toNanos();

  /// @param loaded its engine runs
  WarmUp(LoadedModel loaded, LoadProgress progress) {
    this.loaded = loaded;
    this.progress = progress;
  }

  /// Every shape of the products and of attention: first.
  ///
  /// @throws ModelUnusableException when the engine fails at it
  void kernels() throws InterruptedException {
    run(SHORT);
    run(LONG);
  }

  /// The sampler's steps.
  ///
  /// @throws ModelUnusableException when the engine fails at it
  void sampling() throws InterruptedException {
    run(SAMPLED);
  }

  private void run(Stage stage) throws InterruptedException {
    progress.begin("warming up, %d %%: %s".formatted(stage.percent, stage.name));
    List<Running> running = new ArrayList<>();
    for (SamplingParams sampling : stage.requests) {
      Ended ended = new Ended();
      SequenceRequest request = request(stage, sampling, ended);
      try {
        running.add(new Running(loaded.engine().submit(request), ended));
      } catch (OverloadedException e) {
        // A queue this short never holds so many.
        break;
      }
    }
    for (Running each : running) {
      await(each);
    }
  }

  private SequenceRequest request(Stage stage, SamplingParams sampling, Ended ended) {
    int room = loaded.engine().maxSequenceTokens();
    int[] prompt = new int[Math.max(1, Math.min(stage.promptTokens, room / 2))];
    for (int i = 0; i < prompt.length; i++) {
      prompt[i] = i % loaded.config().vocabSize();
    }
    int newTokens = Math.min(stage.newTokens, room - prompt.length);
    return new SequenceRequest(
        prompt, newTokens, sampling, new int[0], new int[0], stage.promptLogprobs, null, ended);
  }

  private void await(Running running) throws InterruptedException {
    try {
      try {
        running.ended.future.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        running.handle.cancel();
        running.ended.future.get();
      }
    } catch (ExecutionException e) {
      throw new ModelUnusableException(
          loaded.path() + ": the first steps failed: " + e.getCause(), e.getCause());
    }
  }

  private record Running(SequenceHandle handle, Ended ended) {}

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
