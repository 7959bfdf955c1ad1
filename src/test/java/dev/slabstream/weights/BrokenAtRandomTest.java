package dev.slabstream.weights;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.slabstream.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Valid files, cut and scribbled over in thousands of places. Each must be refused as malformed,
/// or open and then be readable whole: no other exception, no hang, no allocation by what a broken
/// count says. The seed is fixed, so a failure comes again.
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BrokenAtRandomTest {
  private static final long SEED = 20_240_601;

  /// What a claimed count, taken at its word, would have broken: opening one of these files takes
  /// under 50 KB, and all the rest is room for code that runs for the first time.
  private static final long MAX_ALLOCATED_BYTES = 4 << 20;

  private static final long[] NASTY_NUMBERS = {
    0,
    1,
    -1,
    Long.MIN_VALUE,
    Long.MAX_VALUE,
    1L << 62,
    1L << 60,
    1L << 32,
    1L << 31,
    0xffff_ffffL,
    Integer.MAX_VALUE,
    65536,
    255
  };

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @TempDir private Path folder;

  private final SplittableRandom random = new SplittableRandom(SEED);
  private int refused;
  private int opened;

  @BeforeAll
  static void loadTheClasses() {
    Checkpoint.open(Reference.path("malformed/valid/llama.gguf")).close();
    Checkpoint.open(Reference.path("malformed/valid/llama-hf")).close();
  }

  @Test
  void aBrokenGgufFileIsRefusedOrReadable() throws IOException {
    byte[] valid = Files.readAllBytes(Reference.path("malformed/valid/llama.gguf"));
    int headerBytes = 6048;
    Path file = folder.resolve("broken.gguf");
    for (int i = 0; i < 3000; i++) {
      check(file, file, scribbled(valid, headerBytes), i);
    }

    assertThat(refused).isGreaterThan(1000);
    assertThat(opened).isGreaterThan(200);
  }

  @Test
  void everyTruncationOfAGgufHeaderIsRefused() throws IOException {
    byte[] valid = Files.readAllBytes(Reference.path("malformed/valid/llama.gguf"));
    Path file = folder.resolve("short.gguf");
    for (int length = 0; length < 6048; length += 5) {
      check(file, file, Arrays.copyOf(valid, length), length);
    }

    assertThat(opened).isZero();
  }

  @Test
  void aBrokenSafetensorsFileIsRefusedOrReadable() throws IOException {
    copyValidFolder();
    byte[] valid = Files.readAllBytes(folder.resolve("model.safetensors"));
    int headerBytes = 8 + (int) ByteBuffer.wrap(valid).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    for (int i = 0; i < 2000; i++) {
      check(folder, folder.resolve("model.safetensors"), scribbled(valid, headerBytes), i);
    }

    assertThat(refused).isGreaterThan(1000);
    assertThat(opened).isGreaterThan(100);
  }

  @Test
  void aBrokenConfigIsRefusedOrReadable() throws IOException {
    copyValidFolder();
    byte[] valid = Files.readAllBytes(folder.resolve("config.json"));
    for (int i = 0; i < 1000; i++) {
      check(folder, folder.resolve("config.json"), scribbled(valid, valid.length), i);
    }

    assertThat(refused).isGreaterThan(300);
    assertThat(opened).isGreaterThan(100);
  }

  @Test
  void aBrokenIndexIsRefusedOrReadable() throws IOException {
    copyValidFolder();
    Files.move(folder.resolve("model.safetensors"), folder.resolve("all.safetensors"));
    StringBuilder index = new StringBuilder("{\"metadata\":{\"total_size\":1},\"weight_map\":{");
    try (Checkpoint whole = Checkpoint.open(Reference.path("malformed/valid/llama-hf"))) {
      String separator = "";
      for (String name : whole.tensors().keySet()) {
        index.append(separator).append('"').append(name).append("\":\"all.safetensors\"");
        separator = ",";
      }
    }
    byte[] valid = index.append("}}").toString().getBytes(StandardCharsets.UTF_8);
    Path file = folder.resolve("model.safetensors.index.json");
    check(folder, file, valid, -1);
    assertThat(opened).isOne();
    for (int i = 0; i < 500; i++) {
      check(folder, file, scribbled(valid, valid.length), i);
    }

    assertThat(refused).isGreaterThan(250);
  }

  private void copyValidFolder() throws IOException {
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(Reference.path("malformed/valid/llama-hf").resolve(name), folder.resolve(name));
    }
  }

  private void check(Path model, Path file, byte[] broken, int attempt) throws IOException {
    Files.write(file, broken);
    long before = THREADS.getCurrentThreadAllocatedBytes();
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      requireFrugal(before, attempt);
      readWhole(checkpoint);
      opened++;
    } catch (MalformedModelException malformed) {
      requireFrugal(before, attempt);
      assertThat(malformed.where()).isNotBlank();
      refused++;
    } catch (RuntimeException | Error wrong) {
      throw new AssertionError("attempt " + attempt + " of seed " + SEED, wrong);
    }
  }

  private static void requireFrugal(long before, int attempt) {
    long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
    assertThat(allocated)
        .as("bytes allocated in attempt %d", attempt)
        .isLessThan(MAX_ALLOCATED_BYTES);
  }

  private static void readWhole(Checkpoint checkpoint) {
    for (Tensor tensor : checkpoint.tensors().values()) {
      tensor.data().get(JAVA_BYTE, 0);
      tensor.row(tensor.rows() - 1).get(JAVA_BYTE, tensor.type().bytesOf(tensor.cols()) - 1);
    }
    Metadata metadata = checkpoint.metadata();
    assertThat(metadata.entries().keySet()).allMatch(metadata::has);
    for (String key : metadata.entries().keySet()) {
      readTyped(() -> metadata.string(key));
      readTyped(() -> metadata.optionalLong(key, 0, 1 << 20));
      readTyped(() -> metadata.optionalDouble(key));
      readTyped(() -> metadata.optionalBoolean(key));
      readTyped(() -> metadata.strings(key));
      readTyped(() -> metadata.ints(key));
      readTyped(() -> metadata.floats(key));
    }
  }

  /// A value of another type is refused, never thrown about.
  private static void readTyped(Runnable read) {
    try {
      read.run();
    } catch (MalformedModelException expected) {
      assertThat(expected.where()).contains("key ");
    }
  }

  /// Broken in one way, and sometimes in several; mostly within the first `headerBytes`.
  private byte[] scribbled(byte[] valid, int headerBytes) {
    byte[] bytes = valid.clone();
    int times = random.nextInt(4) == 0 ? 3 : 1;
    for (int i = 0; i < times; i++) {
      int place = random.nextInt(Math.min(headerBytes, bytes.length));
      bytes =
          switch (random.nextInt(8)) {
            case 0 -> Arrays.copyOf(bytes, random.nextInt(1, bytes.length + 1));
            case 1 ->
                overwrittenBy(bytes, place, NASTY_NUMBERS[random.nextInt(NASTY_NUMBERS.length)]);
            case 2 -> overwrittenBy(bytes, place & -8, random.nextLong());
            case 3 -> without(bytes, place, random.nextInt(1, 9));
            case 4 -> repeated(bytes, place, random.nextInt(1, 64));
            case 5 -> {
              bytes[place] = (byte) "\"{}[],:0-9e.\\".charAt(random.nextInt(13));
              yield bytes;
            }
            case 6 -> {
              bytes[place] = (byte) random.nextInt();
              yield bytes;
            }
            default -> {
              bytes[place] ^= (byte) (1 << random.nextInt(8));
              yield bytes;
            }
          };
    }
    return bytes;
  }

  private static byte[] overwrittenBy(byte[] bytes, int place, long number) {
    if (place + 8 <= bytes.length) {
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(place, number);
    }
    return bytes;
  }

  private static byte[] without(byte[] bytes, int place, int count) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(bytes, 0, place);
    int rest = Math.min(bytes.length, place + count);
    out.write(bytes, rest, bytes.length - rest);
    return out.toByteArray();
  }

  private static byte[] repeated(byte[] bytes, int place, int count) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int end = Math.min(bytes.length, place + count);
    out.write(bytes, 0, end);
    out.write(bytes, place, bytes.length - place);
    return out.toByteArray();
  }
}
