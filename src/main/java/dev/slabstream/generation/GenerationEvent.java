package dev.slabstream.generation;

import dev.slabstream.engine.FinishReason;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a generation tells its client, in this order: one [Started], [Token]s, one [Finished]. A
/// failure is the stream's error signal.
///
/// The texts of the tokens that are not special, put together, are the generated text: what was
/// sent is never taken back. So a token waits while its text may begin a stop string, or while
/// bytes of its last character are missing. The tokens that hold a stop string have their texts cut
/// to what lies before it. A special token, such as that of the end of the text, has its own string
/// as text, which is no part of the generated one.
public sealed interface GenerationEvent {
  /// The request is admitted: from here on a failure is an error event, not a status.
  ///
  /// @param inputLength tokens of the prompt, after `truncate`
  /// @param seed the seed in use; null when nothing random happens (greedy)
  record Started(int inputLength, @Nullable Long seed) implements GenerationEvent {}

  /// One token. Its text is empty when its character is completed by a later token, or when all of
  /// it lies in a stop string.
  ///
  /// @param index from 1
  /// @param topTokens the most likely tokens here, as many as asked for; their texts are each
  ///     token's alone
  /// @param last whether [Finished] follows at once: the edge writes both as one event, and must
  ///     not wait for the next token to find out
  record Token(int index, TokenInfo token, List<TokenInfo> topTokens, boolean last)
      implements GenerationEvent {}

  /// @param generatedText without the stop string; with the prompt in front if `return_full_text`
  ///     was asked for
  /// @param cachedTokens tokens of the prompt that were not computed, because earlier requests had
  record Finished(
      String generatedText,
      FinishReason reason,
      int generatedTokens,
      int inputLength,
      int cachedTokens,
      @Nullable Long seed,
      List<PrefillToken> prefill)
      implements GenerationEvent {}

  record TokenInfo(int id, String text, float logprob, boolean special) {}

  /// @param logprob null for the first token of the prompt
  record PrefillToken(int id, String text, @Nullable Float logprob) {}
}
