package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BlockUnpackerTest {
  static List<String> blocks() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(BlockUnpackerTest.class.getResourceAsStream("/kernel/blocks.txt"))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("blocks")
  void aBlockHasTheWeightsThatTheReferenceGivesIt(String line) throws NoSuchAlgorithmException {
    String[] fields = line.split(" ");
    ElementType type = ElementType.valueOf(fields[0]);
    float[] weights = weights(type, HexFormat.of().parseHex(fields[1]));
    float[] some = {weights[0], weights[1], weights[17], weights[31]};
    assertThat(some).containsExactly(floats(fields[3]));
    ByteBuffer bytes =
        ByteBuffer.allocate(weights.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(weights);
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes.array());
    assertThat(HexFormat.of().formatHex(digest)).isEqualTo(fields[2]);
  }

  @Test
  void everyQuantisedTypeHasAReferenceBlock() throws IOException {
    assertThat(blocks().stream().map(line -> line.substring(0, line.indexOf(' '))))
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(ElementType.values())
                .filter(type -> type.blockElements() > 1)
                .map(ElementType::name)
                .toList());
  }

  @Test
  void plainTypesKeepTheirValuesSubnormalsIncluded() {
    byte[] halves = HexFormat.of().parseHex("003c" + "0100" + "ff03" + "00c0" + "ff7b" + "0080");
    assertThat(weights(ElementType.F16, halves))
        .containsExactly(1f, 0x1p-24f, 0x1.ff8p-15f, -2f, 65504f, -0f);
    assertThat(weights(ElementType.BF16, HexFormat.of().parseHex("803f" + "0100" + "40c0")))
        .containsExactly(1f, 0x1p-133f, -3f);
    assertThat(weights(ElementType.F32, HexFormat.of().parseHex("0000803f" + "01000000")))
        .containsExactly(1f, Float.MIN_VALUE);
  }

  private static float[] weights(ElementType type, byte[] bytes) {
    int cols = bytes.length / type.blockBytes() * type.blockElements();
    Tensor tensor = new Tensor("block", type, 1, cols, MemorySegment.ofArray(bytes));
    float[] out = new float[cols];
    try (Kernels kernels = Kernels.open(new KernelSettings(KernelBackend.SCALAR, 0, 1))) {
      kernels.gatherRows(kernels.pack(List.of(tensor)), new int[] {0}, 1, out);
    }
    return out;
  }

  private static float[] floats(String list) {
    double[] values = Arrays.stream(list.split(",")).mapToDouble(Double::parseDouble).toArray();
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }
}
