package dev.slabstream.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerationException;
import org.jspecify.annotations.Nullable;

/// The body of every error, and the JSON of an error event: TGI's two fields, and what was wrong
/// where that is known.
///
/// @param error what happened, for a person
/// @param errorType the stable name, see [ErrorType]
/// @param field the field of the request that is at fault
/// @param limit what it may be
/// @param actual what it was
@JsonPropertyOrder({"error", "error_type", "field", "limit", "actual"})
@JsonInclude(JsonInclude.Include.NON_NULL)
record ErrorBody(
    @JsonProperty("error") String error,
    @JsonProperty("error_type") String errorType,
    @JsonProperty("field") @Nullable String field,
    @JsonProperty("limit") @Nullable Object limit,
    @JsonProperty("actual") @Nullable Object actual) {

  static ErrorBody of(ErrorType type, String message) {
    return new ErrorBody(WellFormed.text(message), type.label(), null, null, null);
  }

  static ErrorBody of(GenerationException e) {
    String message = e.getMessage();
    return new ErrorBody(
        WellFormed.text(message == null ? e.type().label() : message),
        e.type().label(),
        e.field() == null ? null : WellFormed.text(e.field()),
        plain(e.limit()),
        plain(e.actual()));
  }

  /// Numbers stay numbers unless JSON has none for them; all else becomes text.
  private static @Nullable Object plain(@Nullable Object value) {
    return switch (value) {
      case null -> null;
      case Double d when !Double.isFinite(d) -> d.toString();
      case Float f when !Float.isFinite(f) -> f.toString();
      case Number n -> n;
      case Boolean b -> b;
      default -> WellFormed.text(value.toString());
    };
  }
}
