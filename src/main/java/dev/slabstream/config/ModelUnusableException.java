package dev.slabstream.config;

import dev.slabstream.kernel.NonFiniteWeightException;
import dev.slabstream.weights.MalformedModelException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// The model cannot be brought up. Its message is whole: it names what is wrong, and needs no stack
/// trace.
public final class ModelUnusableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ModelUnusableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  static ModelUnusableException of(Path path, Throwable cause) {
    return switch (cause) {
      case ModelUnusableException e -> e;
      case MalformedModelException e -> new ModelUnusableException(text(e), e);
      case NonFiniteWeightException e -> new ModelUnusableException(path + ": " + text(e), e);
      case OutOfMemoryError e ->
          new ModelUnusableException(
              path + ": the memory of the process does not suffice: " + text(e), e);
      default -> new ModelUnusableException(path + ": " + text(cause), cause);
    };
  }

  private static String text(Throwable e) {
    String message = e.getMessage();
    return message == null ? e.toString() : message;
  }
}
