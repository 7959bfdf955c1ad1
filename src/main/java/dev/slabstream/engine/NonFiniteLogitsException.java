package dev.slabstream.engine;

/// The model computed NaN or infinity: the sequence fails rather than go on with garbage.
public final class NonFiniteLogitsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public NonFiniteLogitsException(int position) {
    super("the logits at position " + position + " are not finite");
  }
}
