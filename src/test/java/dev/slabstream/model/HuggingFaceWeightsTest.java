package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.model.TestModels.Loaded;
import dev.slabstream.model.TestSequence.Row;
import dev.slabstream.tensor.Tensor;
import dev.slabstream.weights.Checkpoint;
import dev.slabstream.weights.MalformedModelException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What Hugging Face folders have in several ways: prefixes, buffers, biases, tied heads, Conv1D.
class HuggingFaceWeightsTest {
  private static final Path LLAMA = TestModels.tiny("llama-a", "hf");
  private static final float TOLERANCE = 1e-4f;

  @TempDir private Path folder;
  private final Kernels kernels = TestBackend.SCALAR.open(1);

  @AfterEach
  void closeTheKernels() {
    kernels.close();
  }

  @Test
  void theConv1dWeightsOfGpt2AreTheMatricesOfItsGgufFile() {
    assertThat(logits(TestModels.tiny("gpt2-a", "hf")))
        .isEqualTo(logits(TestModels.tiny("gpt2-a", "F32")));
  }

  @Test
  void thePrefixOfGpt2MayBeMissingAndMaskBuffersAreNoWeights() {
    Path original = TestModels.tiny("gpt2-a", "hf");
    Path bare =
        new FolderEdit(original)
            .rename(name -> name.replaceFirst("^transformer\\.", ""))
            .add("h.0.attn.bias", 1, 0, 1, 1)
            .add("h.0.attn.masked_bias", -1e9f)
            .write(folder.resolve("bare"));

    assertThat(logits(bare)).isEqualTo(logits(original));
  }

  @Test
  void thePrefixOfLlamaMayBeMissing() {
    Path bare =
        new FolderEdit(LLAMA)
            .rename(name -> name.replaceFirst("^model\\.", ""))
            .write(folder.resolve("bare"));

    assertThat(logits(bare)).isEqualTo(logits(LLAMA));
  }

  @Test
  void aHeadThatIsTiedByTheConfigurationIgnoresALeftOverOne() {
    Path tied =
        new FolderEdit(LLAMA).set("tie_word_embeddings", "true").write(folder.resolve("tied"));
    Path withoutHead =
        new FolderEdit(LLAMA)
            .rename(name -> name.replace("lm_head", "elsewhere"))
            .write(folder.resolve("headless"));

    assertThat(logits(tied)).isEqualTo(logits(withoutHead)).isNotEqualTo(logits(LLAMA));
  }

  /// The weights of attention sum to 1: a bias of the values comes out as the output matrix times
  /// that bias.
  @Test
  void biasesOfAttentionStandAtTheirPlaces() {
    float[] valueBias = new float[32];
    for (int i = 0; i < valueBias.length; i++) {
      valueBias[i] = 0.05f * (i % 7 - 3);
    }

    float[] biasedValues = logits(withAttentionBiases("values", valueBias, new float[64]));
    float[] biasedOutput =
        logits(withAttentionBiases("output", new float[32], throughTheOutput(valueBias)));

    assertThat(biasedValues).containsExactly(biasedOutput, within(TOLERANCE));
    float[] without = logits(LLAMA);
    assertThat(logits(withAttentionBiases("zero", new float[32], new float[64])))
        .isEqualTo(without);
    assertThat(distance(biasedValues, without)).isGreaterThan(100 * TOLERANCE);
  }

  /// Biases of layer 0; the other layers have zeros.
  private Path withAttentionBiases(String name, float[] values, float[] output) {
    FolderEdit edit = new FolderEdit(LLAMA).set("attention_bias", "true");
    for (int l = 0; l < 3; l++) {
      String layer = "model.layers." + l + ".self_attn.";
      edit.add(layer + "q_proj.bias", new float[64])
          .add(layer + "k_proj.bias", new float[32])
          .add(layer + "v_proj.bias", l == 0 ? values : new float[32])
          .add(layer + "o_proj.bias", l == 0 ? output : new float[64]);
    }
    return edit.write(folder.resolve(name));
  }

  /// Two query heads of 16 share a value head.
  private static float[] throughTheOutput(float[] valueBias) {
    float[] out = new float[64];
    try (Checkpoint checkpoint = Checkpoint.open(LLAMA)) {
      Tensor weight = checkpoint.require("model.layers.0.self_attn.o_proj.weight", 64, 64);
      for (int r = 0; r < 64; r++) {
        double sum = 0;
        for (int c = 0; c < 64; c++) {
          sum +=
              weight.row(r).getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, c)
                  * (double) valueBias[c / 32 * 16 + c % 16];
        }
        out[r] = (float) sum;
      }
    }
    return out;
  }

  @Test
  void biasesThatTheConfigurationNamesMustBeThere() {
    for (String[] each :
        new String[][] {{"attention_bias", "q_proj.bias"}, {"mlp_bias", "gate_proj.bias"}}) {
      Path biased = new FolderEdit(LLAMA).set(each[0], "true").write(folder.resolve(each[0]));
      assertThatThrownBy(() -> logits(biased))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining(each[1]);
    }
  }

  private float[] logits(Path path) {
    int[] prompt = GoldenFile.tiny("llama-a", "hf").theCase("17 ids").promptIds();
    try (Loaded loaded = TestModels.load(path, kernels, 2);
        TestSequence sequence =
            new TestSequence(loaded.model(), loaded.slab(), prompt.length, prompt.length)) {
      Row row = sequence.feed(prompt.length, prompt);
      assertThat(row.summary().finite()).isTrue();
      return row.logits();
    }
  }

  private static double distance(float[] a, float[] b) {
    double[] differences = new double[a.length];
    Arrays.setAll(differences, i -> Math.abs(a[i] - b[i]));
    return Arrays.stream(differences).max().orElseThrow();
  }
}
