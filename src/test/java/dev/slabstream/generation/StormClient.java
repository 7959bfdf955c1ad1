package dev.slabstream.generation;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// One client of a storm: requests that it sends one after the other.
///
/// @param sessionDefaults parameters of the session that it opens for them; null = it opens none
record StormClient(@Nullable GenerateParameters sessionDefaults, List<Numbered> requests) {
  /// @param number from 0, over all clients
  record Numbered(int number, GenerateRequest request) {}

  /// The request as it reads without the session: with the session's defaults filled in.
  GenerateRequest alone(Numbered numbered) {
    GenerateParameters own = numbered.request.parameters();
    return new GenerateRequest(
        numbered.request.inputs(), sessionDefaults == null ? own : own.over(sessionDefaults));
  }
}
