package dev.slabstream.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// All tiny models of the reference open, and hold exactly the tensors that their dimensions call
/// for.
class ReferenceModelsTest {
  private static final Path TINY = Reference.path("tiny");

  /// @param golden the file whose `dims` describe the model
  record Model(Path golden) {
    JsonNode dims() {
      return JsonMapper.shared().readTree(golden.toFile()).get("dims");
    }

    Path path() {
      String file = JsonMapper.shared().readTree(golden.toFile()).get("file").asString();
      return golden.resolveSibling("..").resolve(file).normalize();
    }

    @Override
    public String toString() {
      return path().toString();
    }
  }

  static List<Model> models() {
    try (Stream<Path> files = Files.walk(TINY)) {
      return files
          .filter(file -> file.toString().contains("goldens") && !Files.isDirectory(file))
          .filter(file -> !file.endsWith("tokenizer.json"))
          .sorted()
          .map(Model::new)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void everyModelOfTheReferenceIsHere() {
    assertThat(models()).hasSize(33);
  }

  @ParameterizedTest
  @MethodSource("models")
  void aTinyModelHasTheTensorsOfItsDimensions(Model model) {
    try (Checkpoint checkpoint = Checkpoint.open(model.path())) {
      boolean isGguf = checkpoint.format() == Checkpoint.Format.GGUF;
      Map<String, String> expected =
          isGguf ? ggufShapes(model.dims()) : huggingFaceShapes(model.dims());

      assertThat(shapes(checkpoint)).containsExactlyInAnyOrderEntriesOf(expected);
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyMetadataValueOfATinyModelCanBeRead(Model model) {
    try (Checkpoint checkpoint = Checkpoint.open(model.path())) {
      Metadata metadata = checkpoint.metadata();
      String family =
          checkpoint.format() == Checkpoint.Format.GGUF
              ? metadata.requireString("general.architecture")
              : metadata.requireString("model_type");

      assertThat(family).isEqualTo(model.dims().get("family").asString());
      assertThat(metadata.entries()).isNotEmpty().doesNotContainValue(null);
      assertThat(metadata.entries().keySet()).allMatch(metadata::has);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "llama-a, token_embd.weight, model.embed_tokens.weight",
    "llama-a, output.weight, lm_head.weight",
    "llama-a, blk.1.ffn_down.weight, model.layers.1.mlp.down_proj.weight",
    "llama-a, blk.2.attn_v.weight, model.layers.2.self_attn.v_proj.weight",
    "qwen3-a, blk.2.attn_q.weight, model.layers.2.self_attn.q_proj.weight",
    "qwen3-a, blk.0.attn_q_norm.weight, model.layers.0.self_attn.q_norm.weight",
    "gpt2-a, position_embd.weight, transformer.wpe.weight",
    "gpt2-a, blk.1.attn_qkv.bias, transformer.h.1.attn.c_attn.bias"
  })
  void bothFormatsHoldTheSameNumbers(String model, String ggufName, String huggingFaceName) {
    try (Checkpoint gguf = Checkpoint.open(TINY.resolve(model).resolve(model + "-F32.gguf"));
        Checkpoint folder = Checkpoint.open(TINY.resolve(model).resolve("hf"))) {
      Tensor tensor = Objects.requireNonNull(gguf.tensors().get(ggufName));
      Tensor other = folder.require(huggingFaceName, tensor.rows(), tensor.cols());

      assertThat(tensor.type()).isEqualTo(ElementType.F32).isEqualTo(other.type());
      assertThat(tensor.data().mismatch(other.data())).isEqualTo(-1);
    }
  }

  private static Map<String, String> shapes(Checkpoint checkpoint) {
    return checkpoint.tensors().values().stream()
        .collect(Collectors.toMap(Tensor::name, t -> t.rows() + "x" + t.cols()));
  }

  private static Map<String, String> ggufShapes(JsonNode dims) {
    Shapes shapes = new Shapes(dims);
    shapes.add("token_embd.weight", shapes.vocab, shapes.dim);
    shapes.add("output_norm.weight", 1, shapes.dim);
    if (shapes.isGpt2) {
      shapes.add("position_embd.weight", dims.get("ctx").asInt(), shapes.dim);
      shapes.add("output_norm.bias", 1, shapes.dim);
    } else if (!dims.get("tied").asBoolean()) {
      shapes.add("output.weight", shapes.vocab, shapes.dim);
    }
    if (dims.has("scaling")) {
      shapes.add("rope_freqs.weight", 1, shapes.headDim / 2);
    }
    for (int layer = 0; layer < shapes.numLayers; layer++) {
      String block = "blk." + layer + ".";
      if (shapes.isGpt2) {
        shapes.addLinear(block + "attn_qkv", 3 * shapes.dim, shapes.dim);
        shapes.addLinear(block + "attn_output", shapes.dim, shapes.dim);
        shapes.addLinear(block + "ffn_up", shapes.ffn, shapes.dim);
        shapes.addLinear(block + "ffn_down", shapes.dim, shapes.ffn);
        shapes.addLinear(block + "attn_norm", 1, shapes.dim);
        shapes.addLinear(block + "ffn_norm", 1, shapes.dim);
      } else {
        shapes.addLlamaBlock(
            block,
            List.of(
                "attn_norm",
                "ffn_norm",
                "attn_q",
                "attn_k",
                "attn_v",
                "attn_output",
                "ffn_gate",
                "ffn_up",
                "ffn_down",
                "attn_q_norm",
                "attn_k_norm"));
      }
    }
    return shapes.byName;
  }

  private static Map<String, String> huggingFaceShapes(JsonNode dims) {
    Shapes shapes = new Shapes(dims);
    if (shapes.isGpt2) {
      shapes.add("transformer.wte.weight", shapes.vocab, shapes.dim);
      shapes.add("transformer.wpe.weight", dims.get("ctx").asInt(), shapes.dim);
      shapes.addLinear("transformer.ln_f", 1, shapes.dim);
    } else {
      shapes.add("model.embed_tokens.weight", shapes.vocab, shapes.dim);
      shapes.add("model.norm.weight", 1, shapes.dim);
      if (!dims.get("tied").asBoolean()) {
        shapes.add("lm_head.weight", shapes.vocab, shapes.dim);
      }
    }
    for (int layer = 0; layer < shapes.numLayers; layer++) {
      if (shapes.isGpt2) {
        // Conv1D stores [in, out].
        String block = "transformer.h." + layer + ".";
        shapes.addConv(block + "attn.c_attn", shapes.dim, 3 * shapes.dim);
        shapes.addConv(block + "attn.c_proj", shapes.dim, shapes.dim);
        shapes.addConv(block + "mlp.c_fc", shapes.dim, shapes.ffn);
        shapes.addConv(block + "mlp.c_proj", shapes.ffn, shapes.dim);
        shapes.addLinear(block + "ln_1", 1, shapes.dim);
        shapes.addLinear(block + "ln_2", 1, shapes.dim);
      } else {
        shapes.addLlamaBlock(
            "model.layers." + layer + ".",
            List.of(
                "input_layernorm",
                "post_attention_layernorm",
                "self_attn.q_proj",
                "self_attn.k_proj",
                "self_attn.v_proj",
                "self_attn.o_proj",
                "mlp.gate_proj",
                "mlp.up_proj",
                "mlp.down_proj",
                "self_attn.q_norm",
                "self_attn.k_norm"));
      }
    }
    return shapes.byName;
  }

  private static final class Shapes {
    private final Map<String, String> byName = new LinkedHashMap<>();
    private final boolean isGpt2;
    private final boolean hasHeadNorms;
    private final int numLayers;
    private final int dim;
    private final int ffn;
    private final int vocab;
    private final int headDim;
    private final int queryDim;
    private final int keyDim;

    Shapes(JsonNode dims) {
      isGpt2 = dims.get("family").asString().equals("gpt2");
      hasHeadNorms = dims.get("family").asString().equals("qwen3");
      numLayers = dims.get("L").asInt();
      dim = dims.get("d").asInt();
      ffn = dims.get("ffn").asInt();
      vocab = dims.get("V").asInt();
      int numHeads = dims.get("H").asInt();
      headDim = dims.path("hd").asInt(dim / numHeads);
      queryDim = headDim * numHeads;
      keyDim = headDim * dims.path("KV").asInt(numHeads);
    }

    void add(String name, int rows, int cols) {
      byName.put(name, rows + "x" + cols);
    }

    void addLinear(String name, int rows, int cols) {
      add(name + ".weight", rows, cols);
      add(name + ".bias", 1, rows == 1 ? cols : rows);
    }

    void addConv(String name, int in, int out) {
      add(name + ".weight", in, out);
      add(name + ".bias", 1, out);
    }

    /// @param names the two norms, q, k, v, o, gate, up, down, and the norms of q and k
    void addLlamaBlock(String prefix, List<String> names) {
      int[][] shapes = {
        {1, dim},
        {1, dim},
        {queryDim, dim},
        {keyDim, dim},
        {keyDim, dim},
        {dim, queryDim},
        {ffn, dim},
        {ffn, dim},
        {dim, ffn},
        {1, headDim},
        {1, headDim}
      };
      for (int i = 0; i < (hasHeadNorms ? 11 : 9); i++) {
        add(prefix + names.get(i) + ".weight", shapes[i][0], shapes[i][1]);
      }
    }
  }
}
