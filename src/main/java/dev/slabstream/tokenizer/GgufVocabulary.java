package dev.slabstream.tokenizer;

import java.util.List;

/// The keys `tokenizer.ggml.*` of a GGUF file, as they are there. An absent array is empty.
///
/// @param model `gpt2` (byte-level) or `llama` (sentencepiece)
/// @param pre the name of the pre-tokenizer; `default` when the file names none
/// @param tokens by id
/// @param types by id: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
/// @param scores by id; the order in which a sentencepiece vocabulary merges, the highest first
/// @param merges `left right`, the first one first
/// @param addSpacePrefix whether a space is put before the text (sentencepiece)
public record GgufVocabulary(
    String model,
    String pre,
    List<String> tokens,
    int[] types,
    float[] scores,
    List<String> merges,
    boolean addSpacePrefix) {

  /// Whether such a model puts BOS in front of a prompt when the file does not say.
  ///
  /// @throws MalformedTokenizerException for a pre-tokenizer that is not known
  public boolean addsBosByDefault() {
    return model.equals("llama") || NamedPreTokenizer.of(pre).addsBos();
  }
}
