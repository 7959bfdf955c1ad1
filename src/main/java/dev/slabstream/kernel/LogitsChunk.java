package dev.slabstream.kernel;

/// What a [PanelMath] finds out about a chunk of logits. Written by the thread that computes the chunk, read when all are done.
public final class LogitsChunk {
  private float max;
  private int argmax;
  private float sumExp;
  private boolean finite;

  /// @param max the largest logit
  /// @param argmax index in the chunk of the first that is as large
  /// @param sumExp sum of `exp(logit - max)`
  /// @param finite false when any logit is NaN or infinite; the other parts mean nothing then
  public void set(float max, int argmax, float sumExp, boolean finite) {
    this.max = max;
    this.argmax = argmax;
    this.sumExp = sumExp;
    this.finite = finite;
  }

  float max() {
    return max;
  }

  int argmax() {
    return argmax;
  }

  float sumExp() {
    return sumExp;
  }

  boolean finite() {
    return finite;
  }
}
