package dev.slabstream.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.slabstream.tokenizer.Tokenizer;
import dev.slabstream.tokenizer.Tokenizer.SpecialTokens;
import dev.slabstream.tokenizer.Tokenizers;
import dev.slabstream.weights.Checkpoint;
import dev.slabstream.weights.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class TokenizerLoaderTest {
  private static final Path TINY = Tokenizers.ROOT.resolve("tiny");

  @TempDir Path folder;

  static Stream<Path> tinyModels() throws IOException {
    try (Stream<Path> models = Files.list(TINY)) {
      return models
          .flatMap(
              model -> {
                try (Stream<Path> files = Files.list(model)) {
                  return files
                      .filter(f -> !f.endsWith("goldens"))
                      .filter(f -> Files.isDirectory(f) || f.toString().endsWith(".gguf"))
                      .toList()
                      .stream();
                } catch (IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              })
          .sorted()
          .toList()
          .stream();
    }
  }

  @ParameterizedTest
  @MethodSource("tinyModels")
  void everyTinyModelsFileGivesTheGoldenIds(Path file) {
    JsonNode goldens = Tokenizers.json(file.resolveSibling("goldens").resolve("tokenizer.json"));
    int bos = goldens.get("bos_id").intValue();
    LoadedTokenizer loaded = load(file, 520);
    Tokenizer tokenizer = loaded.tokenizer();

    assertThat(goldens.get("cases").size()).isPositive();
    for (JsonNode c : goldens.get("cases")) {
      int[] ids = c.get("ids").valueStream().mapToInt(JsonNode::intValue).toArray();
      assertThat(tokenizer.encode(c.get("text").stringValue(), SpecialTokens.RECOGNISED))
          .isEqualTo(ids);
      assertThat(tokenizer.decode(ids, false)).isEqualTo(c.get("decoded").stringValue());
    }
    assertThat(loaded.isEndOfText(goldens.get("eos_id").intValue())).isTrue();
    if (goldens.get("add_bos").booleanValue()) {
      assertThat(tokenizer.bosId()).hasValue(bos);
    } else {
      assertThat(tokenizer.bosId()).isEmpty();
    }
    assertThat(loaded.bosToken()).hasValue(tokenizer.token(bos).orElseThrow());
    assertThat(loaded.chatTemplate().isPresent()).isEqualTo(!file.toString().contains("gpt2"));
  }

  @Test
  void theEmbeddedModelsFileSaysWhatItsNotesSay() {
    LoadedTokenizer loaded = load(Tokenizers.SMOLLM2, 49152);

    assertThat(loaded.tokenizer().bosId()).isEmpty();
    assertThat(loaded.bosToken()).hasValue("<|im_start|>");
    assertThat(loaded.eosToken()).hasValue("<|im_end|>");
    assertThat(loaded.endOfTextIds()).containsExactly(0, 2);
    assertThat(loaded.chatTemplate().orElseThrow())
        .isEqualTo(
            Tokenizers.json(Tokenizers.ROOT.resolve("tokenizers/smollm2/chat.json"))
                .get("chat_template")
                .stringValue());
  }

  @Test
  void aMergeWithoutASpaceIsRefusedWithFileAndKey() {
    Path file = Tokenizers.ROOT.resolve("malformed/merge-without-space.gguf");

    assertThatExceptionOfType(MalformedModelException.class)
        .isThrownBy(() -> load(file, 280))
        .withMessageContaining(file.toString())
        .withMessageContaining("tokenizer.ggml.merges[");
  }

  @Test
  void aVocabularyLargerThanTheModelsIsRefused() {
    assertThatExceptionOfType(MalformedModelException.class)
        .isThrownBy(() -> load(TINY.resolve("gpt2-a/gpt2-a-F32.gguf"), 511))
        .withMessageContaining("511");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{} ; 507 ; {\"eos_token_id\": 511} ; 508, 511",
        "{\"add_bos_token\": false} ; -1 ; {} ; 508, 511",
        "{\"add_bos_token\": true, \"bos_token\": {\"content\": \"<|eot_id|>\"}} ; 511 ; {} ; 508, 511",
        "{\"eos_token\": {\"content\": \"<|start_header_id|>\"}} ; 507 ; {} ; 508, 509, 511",
        "{\"eos_token\": \"!\"} ; 507 ; {\"eos_token_id\": [5, 6]} ; 0, 5, 6, 508, 511",
      })
  void theFilesOfAFolderDecideBosAndTheEndsOfAText(
      String tokenizerConfig, int bos, String generationConfig, String ends) throws IOException {
    copyTinyLlama();
    Files.writeString(folder.resolve("tokenizer_config.json"), tokenizerConfig);
    Files.writeString(folder.resolve("generation_config.json"), generationConfig);

    LoadedTokenizer loaded = load(folder, 512);

    assertThat(loaded.tokenizer().bosId().orElse(-1)).isEqualTo(bos);
    assertThat(Stream.of(ends.split(", ")).mapToInt(Integer::parseInt).toArray())
        .isEqualTo(loaded.endOfTextIds());
  }

  @Test
  void anEndOfTextBeyondTheModelsVocabularyIsRefused() throws IOException {
    copyTinyLlama();
    Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [511, 512]}");

    assertThatExceptionOfType(MalformedModelException.class)
        .isThrownBy(() -> load(folder, 512))
        .withMessageContaining("eos_token_id");
  }

  @Test
  void theChatTemplateIsAFileOrTheDefaultOfAListOrAString() throws IOException {
    copyTinyLlama();
    Path config = folder.resolve("tokenizer_config.json");
    Files.writeString(config, "{\"chat_template\": \"one\"}");
    assertThat(load(folder, 512).chatTemplate()).hasValue("one");

    Files.writeString(
        config,
        "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"a\"},"
            + " {\"name\": \"default\", \"template\": \"b\"}]}");
    assertThat(load(folder, 512).chatTemplate()).hasValue("b");

    Files.writeString(folder.resolve("chat_template.jinja"), "from the file");
    assertThat(load(folder, 512).chatTemplate()).hasValue("from the file");

    Files.delete(folder.resolve("chat_template.jinja"));
    Files.delete(config);
    LoadedTokenizer loaded = load(folder, 512);
    assertThat(loaded.chatTemplate()).isEmpty();
    assertThat(loaded.bosToken()).isEmpty();
    assertThat(loaded.tokenizer().bosId()).hasValue(507);
  }

  @Test
  void aFolderWithoutATokenizerAndOneWithABrokenOneAreRefused() throws IOException {
    copyTinyLlama();
    Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": {\"type\": \"Unigram\"}}");
    assertThatExceptionOfType(MalformedModelException.class)
        .isThrownBy(() -> load(folder, 512))
        .withMessageContaining("model.type: expected BPE; found \"Unigram\"");

    Files.delete(folder.resolve("tokenizer.json"));
    assertThatExceptionOfType(MalformedModelException.class)
        .isThrownBy(() -> load(folder, 512))
        .withMessageContaining("tokenizer.json");
  }

  private static LoadedTokenizer load(Path path, int vocabSize) {
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      return TokenizerLoader.load(checkpoint, vocabSize);
    }
  }

  private void copyTinyLlama() throws IOException {
    for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
      Files.copy(TINY.resolve("llama-a/hf").resolve(name), folder.resolve(name));
    }
  }
}
