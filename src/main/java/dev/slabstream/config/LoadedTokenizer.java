package dev.slabstream.config;

import dev.slabstream.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;

/// The tokenizer of a model and what its files say about talking to it.
///
/// @param endOfTextIds the ids that end a text, ascending
/// @param chatTemplate the source of the chat template, a Jinja template
/// @param bosToken the text of the BOS token, which the template calls `bos_token`; whether a prompt begins with it is
///     [Tokenizer#bosId()]
/// @param eosToken the text of the EOS token, which the template calls `eos_token`
public record LoadedTokenizer(
    Tokenizer tokenizer,
    int[] endOfTextIds,
    Optional<String> chatTemplate,
    Optional<String> bosToken,
    Optional<String> eosToken) {

  public LoadedTokenizer {
    endOfTextIds = IntStream.of(endOfTextIds).sorted().distinct().toArray();
  }

  public boolean isEndOfText(int id) {
    return Arrays.binarySearch(endOfTextIds, id) >= 0;
  }
}
