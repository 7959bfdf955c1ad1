package dev.slabstream.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class GgufCheckpointTest {
  private static final Path LLAMA = Reference.path("malformed/valid/llama.gguf");

  @Test
  void theEmbeddedModelOpensWithItsTypesAndTokens() {
    try (Checkpoint checkpoint =
        Checkpoint.open(Path.of("models/SmolLM2-135M-Instruct.Q4_1.gguf"))) {
      Metadata metadata = checkpoint.metadata();

      assertThat(checkpoint.format()).isEqualTo(Checkpoint.Format.GGUF);
      assertThat(metadata.requireString("general.architecture")).isEqualTo("llama");
      assertThat(metadata.requireInt("llama.block_count", 1, 1000)).isEqualTo(30);
      assertThat(metadata.strings("tokenizer.ggml.tokens").orElseThrow()).hasSize(49152);
      assertThat(metadata.ints("tokenizer.ggml.token_type").orElseThrow()).hasSize(49152);
      Tensor embedding = checkpoint.require("token_embd.weight", 49152, 576);
      assertThat(embedding.type()).isEqualTo(ElementType.Q8_0);
      assertThat(checkpoint.require("blk.29.attn_k.weight", 192, 576).type())
          .isEqualTo(ElementType.Q4_1);
      assertThat(checkpoint.tensors()).hasSize(272);
    }
  }
}
