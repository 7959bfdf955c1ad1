package dev.slabstream.engine;

import dev.slabstream.sampling.SampledToken;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// Writes down what a sequence is told, and checks the order of it.
final class RecordingListener implements SequenceListener {
  final List<String> told = new ArrayList<>();
  final List<SampledToken> tokens = new ArrayList<>();
  final CountDownLatch end = new CountDownLatch(1);
  float @Nullable [] promptLogprobs;
  int cachedTokens;
  @Nullable Throwable failure;
  @Nullable SequenceTimes times;

  /// Called with the name of what is told, before it is written down; may throw.
  java.util.function.Consumer<String> before = what -> {};

  /// The answer to the token of this index.
  IntFunction<Verdict> verdict = index -> Verdict.CONTINUE;

  private void tell(String what) {
    if (end.getCount() == 0) {
      throw new AssertionError("told '" + what + "' after the end");
    }
    before.accept(what);
    told.add(what);
  }

  @Override
  public void onAdmitted() {
    tell("admitted");
  }

  @Override
  public void onPromptLogprobs(float[] logprobs) {
    tell("prompt logprobs");
    promptLogprobs = logprobs.clone();
  }

  @Override
  public void onCachedTokens(int numTokens) {
    tell("cached tokens");
    cachedTokens = numTokens;
  }

  @Override
  public Verdict onToken(int index, SampledToken token) {
    tell("token " + index);
    tokens.add(token);
    return verdict.apply(index);
  }

  @Override
  public void onFinished(FinishReason reason, SequenceTimes times) {
    tell("finished " + reason);
    this.times = times;
    end.countDown();
  }

  @Override
  public void onFailed(Throwable cause, SequenceTimes times) {
    tell("failed");
    failure = cause;
    this.times = times;
    end.countDown();
  }

  @Override
  public void onCancelled(Phase phase, SequenceTimes times) {
    tell("cancelled in " + phase);
    this.times = times;
    end.countDown();
  }

  boolean hasEnded() {
    return end.getCount() == 0;
  }

  String last() {
    return told.getLast();
  }

  int[] ids() {
    return tokens.stream().mapToInt(SampledToken::id).toArray();
  }
}
