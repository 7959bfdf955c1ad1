package dev.slabstream.config;

import dev.slabstream.tokenizer.MalformedTokenizerException;
import dev.slabstream.tokenizer.TokenizerDefinition;
import dev.slabstream.weights.Checkpoint;
import dev.slabstream.weights.MalformedModelException;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/// Finds the tokenizer in a model's files, and what they say of BOS, of the ends of a text and of the chat template. Reading
/// only; the result does not need the checkpoint any longer.
public final class TokenizerLoader {
  /// Control tokens that end a text by their name, whatever a file says of them: llama.cpp's list.
  private static final Set<String> END_OF_TEXT_NAMES =
      Set.of(
          "<|eot_id|>",
          "<|eom_id|>",
          "<|im_end|>",
          "<|end|>",
          "<|return|>",
          "<|call|>",
          "<end_of_turn>",
          "<|endoftext|>",
          "<|end_of_text|>",
          "<EOT>",
          "<end_of_utterance>");

  private TokenizerLoader() {}

  /// @param vocabSize how many ids the model knows
  /// @throws MalformedModelException when there is no tokenizer, or one that cannot be used
  public static LoadedTokenizer load(Checkpoint checkpoint, int vocabSize) {
    try {
      return switch (checkpoint.format()) {
        case GGUF -> new GgufTokenizerFiles(checkpoint).load(vocabSize);
        case HUGGING_FACE -> new HuggingFaceTokenizerFiles(checkpoint).load(vocabSize);
      };
    } catch (MalformedTokenizerException e) {
      MalformedModelException malformed =
          new MalformedModelException(checkpoint.path(), e.where(), e.expected(), e.found());
      malformed.initCause(e);
      throw malformed;
    }
  }

  /// The ids that end a text by their name.
  static Set<Integer> endsByName(TokenizerDefinition definition) {
    Set<Integer> ends = new TreeSet<>();
    for (String name : END_OF_TEXT_NAMES) {
      OptionalInt id = definition.tokenId(name);
      if (id.isPresent() && definition.isSpecial(id.getAsInt())) {
        ends.add(id.getAsInt());
      }
    }
    return ends;
  }

  static int[] toArray(Set<Integer> ids) {
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }
}
