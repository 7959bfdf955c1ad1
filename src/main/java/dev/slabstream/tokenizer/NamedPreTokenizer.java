package dev.slabstream.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// The pre-tokenizers that GGUF files name in `tokenizer.ggml.pre`, with the patterns of the models' own `tokenizer.json`.
///
/// @param ignoreMerges a piece that is itself a token is taken whole
/// @param nfc the model's tokenizer normalises to NFC, which the GGUF file does not say
/// @param addsBos whether a prompt begins with the BOS token when the file does not say
record NamedPreTokenizer(
    PreTokenizer splitter, boolean ignoreMerges, boolean nfc, boolean addsBos) {

  /// GPT-2's pattern (`encoder.py`), which byte-level tokenizers use unless told otherwise.
  static final String GPT2 =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  private static final String SUFFIXES = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  private static final String WORDS = "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|";
  private static final String REST =
      "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String LLAMA3 = SUFFIXES + WORDS + "\\p{N}{1,3}" + REST;
  private static final String QWEN2 = SUFFIXES + WORDS + "\\p{N}" + REST;

  private static final String UPPER_THEN_LOWER =
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+";
  private static final String UPPER =
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*";
  private static final String REST_WITH_SLASH =
      "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String TEKKEN = UPPER_THEN_LOWER + "|" + UPPER + "|\\p{N}" + REST_WITH_SLASH;
  private static final String GPT4O =
      UPPER_THEN_LOWER + SUFFIXES + "?|" + UPPER + SUFFIXES + "?|\\p{N}{1,3}" + REST_WITH_SLASH;

  private static final Map<String, NamedPreTokenizer> BY_NAME = new TreeMap<>();

  static {
    // What llama.cpp takes when a file names none.
    NamedPreTokenizer fallback =
        plain("[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]");
    name(fallback, "default");
    name(plain(GPT2), "gpt-2", "gpt2", "phi-2", "mpt", "olmo", "jais", "gigachat", "exaone4");
    name(plain(GPT2), "trillion", "granite-docling", "mellum");
    name(plain("\\p{N}", GPT2), "smollm", "starcoder", "refact", "command-r", "codeshell");
    name(plain("\\p{N}", GPT2), "exaone", "minerva-7b");
    name(
        new NamedPreTokenizer(matches(LLAMA3), true, false, true),
        "llama-bpe",
        "llama3",
        "llama-v3",
        "falcon3",
        "pixtral");
    name(plain(LLAMA3), "dbrx", "smaug-bpe", "chatglm-bpe", "glm4");
    name(
        new NamedPreTokenizer(matches(QWEN2), false, true, false),
        "qwen2",
        "deepseek-r1-qwen",
        "megrez");
    name(plain(QWEN2), "stablelm2", "hunyuan");
    name(new NamedPreTokenizer(matches(TEKKEN), true, false, true), "tekken");
    name(plain(GPT4O), "gpt-4o", "llama4");
  }

  /// @throws MalformedTokenizerException for a name that is not known
  static NamedPreTokenizer of(String name) {
    NamedPreTokenizer found = BY_NAME.get(name.toLowerCase(Locale.ROOT));
    if (found == null) {
      throw new MalformedTokenizerException(
          "tokenizer.ggml.pre", "one of " + String.join(", ", BY_NAME.keySet()), "`" + name + "`");
    }
    return found;
  }

  private static NamedPreTokenizer plain(String... patterns) {
    return new NamedPreTokenizer(matches(patterns), false, false, false);
  }

  private static PreTokenizer matches(String... patterns) {
    List<PreTokenizer> steps = new ArrayList<>();
    for (String pattern : patterns) {
      steps.add(new PreTokenizer.Matches(PreTokenizer.compile("tokenizer.ggml.pre", pattern)));
    }
    return PreTokenizer.Sequence.of(steps);
  }

  private static void name(NamedPreTokenizer preTokenizer, String... names) {
    Arrays.stream(names).forEach(n -> BY_NAME.put(n, preTokenizer));
  }
}
