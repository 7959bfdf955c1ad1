package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.kernel.NonFiniteWeightException;
import dev.slabstream.model.TestModels.Loaded;
import dev.slabstream.weights.MalformedModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Bytes flipped at random where a model describes itself: it is refused with a reason, or it
/// computes. Nothing else.
class BrokenModelsTest {
  private static final int FLIPS_PER_MODEL = 600;

  private static final Logger LOG = Logger.getLogger("dev.slabstream");

  @TempDir private Path folder;

  /// How many were refused, how many computed.
  private int refused;

  private int computed;

  /// Two lines for each of thousands of models would bury all else.
  @BeforeAll
  static void silenceTheLog() {
    LOG.setLevel(Level.OFF);
  }

  @AfterAll
  static void restoreTheLog() {
    LOG.setLevel(null);
  }

  @Test
  void aGgufFileWithFlippedBytesIsRefusedOrComputes() throws IOException {
    List<Path> files =
        List.of(
            TestModels.reference("malformed/valid/llama.gguf"),
            TestModels.tiny("gpt2-a", "Q4_0"),
            TestModels.tiny("qwen3-a", "Q4_0"),
            TestModels.tiny("llama-a", "Q4_0"));
    Random random = new Random(20260101);
    for (Path file : files) {
      byte[] original = Files.readAllBytes(file);
      List<Integer> places = describingBytes(original);
      Path broken = folder.resolve("broken.gguf");
      for (int i = 0; i < FLIPS_PER_MODEL; i++) {
        Files.write(broken, flipped(original, places, random));
        loadAndCompute(broken, file + ", flip " + i);
      }
    }
    assertThat(refused).isGreaterThan(FLIPS_PER_MODEL);
    assertThat(computed).isGreaterThan(FLIPS_PER_MODEL / 4);
  }

  @Test
  void aFolderWithFlippedBytesIsRefusedOrComputes() throws IOException {
    Random random = new Random(20260102);
    for (String model : List.of("tiny/qwen3-swa-a/hf", "malformed/valid/llama-hf")) {
      Path original = TestModels.reference(model);
      byte[] config = Files.readAllBytes(original.resolve("config.json"));
      Path broken = Files.createDirectories(folder.resolve(model));
      Files.copy(original.resolve("model.safetensors"), broken.resolve("model.safetensors"));
      List<Integer> places = range(0, config.length);
      for (int i = 0; i < FLIPS_PER_MODEL; i++) {
        byte[] bytes =
            random.nextBoolean()
                ? flipped(config, places, random)
                : withOtherDigits(config, random);
        Files.write(broken.resolve("config.json"), bytes);
        loadAndCompute(broken, model + ", flip " + i);
      }
    }
    assertThat(refused).isGreaterThan(FLIPS_PER_MODEL / 2);
    assertThat(computed).isGreaterThan(FLIPS_PER_MODEL / 4);
  }

  private void loadAndCompute(Path path, String name) {
    try (Kernels kernels = TestBackend.SCALAR.open(1);
        Loaded loaded = TestModels.load(path, kernels, 1);
        TestSequence sequence = new TestSequence(loaded.model(), loaded.slab(), 3, 3)) {
      sequence.feed(2, 0, 1, 2);
      computed++;
    } catch (MalformedModelException | NonFiniteWeightException e) {
      refused++;
    } catch (RuntimeException | Error e) {
      throw new AssertionError(name, e);
    }
  }

  /// One to three bits, as a bad disk would, or a byte replaced.
  private static byte[] flipped(byte[] original, List<Integer> places, Random random) {
    byte[] bytes = original.clone();
    for (int n = random.nextInt(3); n >= 0; n--) {
      int place = places.get(random.nextInt(places.size()));
      bytes[place] =
          random.nextBoolean()
              ? (byte) random.nextInt()
              : (byte) (bytes[place] ^ 1 << random.nextInt(8));
    }
    return bytes;
  }

  /// Most flips make JSON that is none: this makes other numbers.
  private static byte[] withOtherDigits(byte[] json, Random random) {
    byte[] bytes = json.clone();
    for (int i = 0; i < bytes.length; i++) {
      if (Character.isDigit(bytes[i]) && random.nextInt(40) == 0) {
        bytes[i] = (byte) ('0' + random.nextInt(10));
      }
    }
    return bytes;
  }

  /// The key-value pairs up to the tokenizer's, the infos of the tensors, and a little of the
  /// weights.
  private static List<Integer> describingBytes(byte[] gguf) {
    String text = new String(gguf, StandardCharsets.ISO_8859_1);
    int tensors = text.indexOf("token_embd.weight") - 16;
    List<Integer> places = range(0, text.indexOf("tokenizer.ggml.model") - 8);
    places.addAll(range(tensors, tensors + 4096));
    return places;
  }

  private static List<Integer> range(int from, int to) {
    List<Integer> places = new ArrayList<>();
    for (int i = from; i < to; i++) {
      places.add(i);
    }
    return places;
  }
}
