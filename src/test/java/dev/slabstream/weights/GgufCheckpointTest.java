package dev.slabstream.weights;

import static dev.slabstream.weights.GgufWriter.arrayOf;
import static dev.slabstream.weights.GgufWriter.int32;
import static dev.slabstream.weights.GgufWriter.int64;
import static dev.slabstream.weights.GgufWriter.int8;
import static dev.slabstream.weights.GgufWriter.string;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GgufCheckpointTest {
  @TempDir private Path folder;

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

  @Test
  void everyValueTypeIsReadAsWritten() {
    GgufWriter writer =
        new GgufWriter()
            .version(2)
            .pair("u8", GgufValueType.UINT8, int8(200))
            .pair("i8", GgufValueType.INT8, int8(-3))
            .pair("u16", GgufValueType.UINT16, new byte[] {(byte) 0xfe, (byte) 0xff})
            .pair("i16", GgufValueType.INT16, new byte[] {(byte) 0xfe, (byte) 0xff})
            .pair("u32", GgufValueType.UINT32, int32(-1))
            .pair("i32", GgufValueType.INT32, int32(-1))
            .pair("u64", GgufValueType.UINT64, int64(-1))
            .pair("i64", GgufValueType.INT64, int64(-1))
            .pair("f32", GgufValueType.FLOAT32, int32(Float.floatToIntBits(1e-5f)))
            .pair("f64", GgufValueType.FLOAT64, int64(Double.doubleToLongBits(0.1)))
            .pair("yes", GgufValueType.BOOL, int8(1))
            .pair("text", GgufValueType.STRING, string("größer"))
            .pair(
                "nested",
                GgufValueType.ARRAY,
                arrayOf(GgufValueType.ARRAY, 2),
                arrayOf(GgufValueType.BOOL, 2),
                int8(1),
                int8(0),
                arrayOf(GgufValueType.STRING, 1),
                string("x"));

    try (Checkpoint checkpoint = open(writer)) {
      Metadata metadata = checkpoint.metadata();
      assertThat(metadata.entries())
          .containsEntry("u8", 200L)
          .containsEntry("i8", -3L)
          .containsEntry("u16", 65534L)
          .containsEntry("i16", -2L)
          .containsEntry("u32", 4294967295L)
          .containsEntry("i32", -1L)
          .containsEntry("u64", new BigInteger("18446744073709551615"))
          .containsEntry("i64", -1L)
          .containsEntry("f32", (double) 1e-5f)
          .containsEntry("f64", 0.1)
          .containsEntry("yes", true)
          .containsEntry("text", "größer")
          .containsEntry("nested", List.of(List.of(true, false), List.of("x")))
          .hasSize(13);
      assertThat(metadata.requireDouble("u32")).isEqualTo(4294967295.0);
      assertThat(metadata.ints("i8").orElseThrow()).containsExactly(-3);
      assertThat(metadata.optionalLong("absent", 0, 1)).isEmpty();
      assertThatThrownBy(() -> metadata.requireLong("u64", 0, Long.MAX_VALUE))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("key u64")
          .hasMessageContaining("18446744073709551615");
    }
  }

  @Test
  void aValueOfAnotherTypeIsRefusedWithOffsetKeyAndBoth() {
    GgufWriter writer = new GgufWriter().pair("a", GgufValueType.STRING, string("seven"));

    try (Checkpoint checkpoint = open(writer)) {
      Metadata metadata = checkpoint.metadata();
      // Header 24, key 8 + 1, type 4.
      assertThatThrownBy(() -> metadata.requireLong("a", 1, 9))
          .isInstanceOfSatisfying(
              MalformedModelException.class,
              malformed -> {
                assertThat(malformed.path()).isEqualTo(checkpoint.path());
                assertThat(malformed.where()).isEqualTo("offset 37, key a");
                assertThat(malformed.expected()).isEqualTo("an integer from 1 to 9");
                assertThat(malformed.found()).isEqualTo("the string \"seven\"");
              });
      assertThatThrownBy(() -> metadata.requireString("b"))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("key b: expected a string; found nothing");
      assertThatThrownBy(() -> metadata.optionalBoolean("a"))
          .isInstanceOf(MalformedModelException.class);
      assertThatThrownBy(() -> metadata.ints("a")).isInstanceOf(MalformedModelException.class);
    }
  }

  @Test
  void aNumberThatIsNotFiniteIsRefusedWhereANumberIsRequired() {
    GgufWriter writer =
        new GgufWriter()
            .pair("nan", GgufValueType.FLOAT32, int32(Float.floatToIntBits(Float.NaN)))
            .pair(
                "infinite",
                GgufValueType.ARRAY,
                arrayOf(GgufValueType.FLOAT32, 1),
                int32(Float.floatToIntBits(Float.POSITIVE_INFINITY)));

    try (Checkpoint checkpoint = open(writer)) {
      Metadata metadata = checkpoint.metadata();
      assertThatThrownBy(() -> metadata.requireDouble("nan"))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("key nan: expected a finite number; found NaN");
      assertThatThrownBy(() -> metadata.floats("infinite"))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("Infinity as element 0");
    }
  }

  @Test
  void textThatIsNoUtf8IsRefusedOnlyWhenItIsAskedFor() {
    GgufWriter writer =
        new GgufWriter().pair("bad", GgufValueType.STRING, int64(2), new byte[] {(byte) 0xc3, 'x'});

    try (Checkpoint checkpoint = open(writer)) {
      assertThat(checkpoint.metadata().entries()).containsEntry("bad", "\ufffdx");
      assertThatThrownBy(() -> checkpoint.metadata().string("bad"))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("expected UTF-8");
    }
  }

  @Test
  void tensorsLieWhereTheAlignmentPutsThem() throws IOException {
    GgufWriter writer =
        new GgufWriter()
            .alignment(64)
            .pair("general.alignment", GgufValueType.UINT32, int32(64))
            .tensor("second", 0, 64, 2, 3, 1, 1)
            .tensor("first", 1, 0, 5)
            .data(64 + 24);
    byte[] bytes = writer.bytes();
    bytes[bytes.length - 24] = 42;

    try (Checkpoint checkpoint = open(bytes)) {
      assertThat(checkpoint.tensors().keySet()).containsExactly("second", "first");
      Tensor second = checkpoint.require("second", 3, 2);
      assertThat(second.data().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 42);
      assertThat(checkpoint.require("first", 1, 5).type()).isEqualTo(ElementType.F16);
      assertThatThrownBy(() -> checkpoint.require("first", 5, 1))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("tensor first: expected shape [5, 1]; found [1, 5]");
    }
  }

  @Test
  void aMissingTensorIsNamedTogetherWithThoseLikeIt() {
    try (Checkpoint checkpoint = Checkpoint.open(Reference.path("malformed/valid/llama.gguf"))) {
      assertThatThrownBy(() -> checkpoint.require("blk.7.attn_q.weight", 32, 32))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("tensor blk.7.attn_q.weight")
          .hasMessageContaining("blk.0.attn_q.weight");
      assertThatThrownBy(() -> checkpoint.require("nonsense", 32, 32))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("none of the 11 tensors");
    }
  }

  static Stream<Arguments> malformed() {
    return Stream.of(
        Arguments.of(
            "a big-endian file",
            new GgufWriter().version(Integer.reverseBytes(3)),
            "version: expected a little-endian file"),
        Arguments.of("version 1", new GgufWriter().version(1), "expected 2 or 3; found 1"),
        Arguments.of(
            "a key twice",
            new GgufWriter()
                .pair("k", GgufValueType.UINT8, int8(1))
                .pair("k", GgufValueType.UINT8, int8(1)),
            "offset 38, key k: expected each key once"),
        Arguments.of(
            "an alignment that is no power of two",
            new GgufWriter().pair("general.alignment", GgufValueType.UINT32, int32(24)),
            "key general.alignment: expected a power of two; found 24"),
        Arguments.of(
            "an alignment of 0",
            new GgufWriter().pair("general.alignment", GgufValueType.UINT32, int32(0)),
            "key general.alignment"),
        Arguments.of(
            "an alignment of 2^31",
            new GgufWriter().pair("general.alignment", GgufValueType.UINT32, int32(1 << 31)),
            "key general.alignment"),
        Arguments.of(
            "arrays nested too deep",
            new GgufWriter()
                .pair(
                    "deep",
                    GgufValueType.ARRAY,
                    arrayOf(GgufValueType.ARRAY, 1),
                    arrayOf(GgufValueType.ARRAY, 1),
                    arrayOf(GgufValueType.ARRAY, 1),
                    arrayOf(GgufValueType.ARRAY, 1),
                    arrayOf(GgufValueType.UINT8, 0)),
            "key deep: expected arrays nested at most 4 deep"),
        Arguments.of(
            "a boolean of 2",
            new GgufWriter().pair("b", GgufValueType.BOOL, int8(2)),
            "offset 37, key b: expected a boolean of 0 or 1; found 2"),
        Arguments.of(
            "no dimension",
            new GgufWriter().tensor("t", 0, 0).data(32),
            "tensor t: expected 1 to 4 dimensions; found 0"),
        Arguments.of(
            "a dimension of 0",
            new GgufWriter().tensor("t", 0, 0, 0, 2).data(32),
            "tensor t: expected a positive dimension; found 0"),
        Arguments.of(
            "a cube",
            new GgufWriter().tensor("t", 0, 0, 2, 2, 2).data(32),
            "tensor t: expected a matrix"),
        Arguments.of(
            "a type that is not read",
            new GgufWriter().tensor("t", 11, 0, 256).data(110),
            "found type 11 (Q3_K)"),
        Arguments.of(
            "an offset of 2^63",
            new GgufWriter().tensor("t", 0, Long.MIN_VALUE, 2).data(32),
            "tensor t: expected 8 bytes inside the data"),
        Arguments.of(
            "no data at all", new GgufWriter().tensor("t", 0, 0, 2), "tensor t: expected 8 bytes"),
        Arguments.of(
            "tensors that overlap by their ends",
            new GgufWriter().tensor("a", 0, 32, 8).tensor("b", 0, 0, 9).data(64),
            "tensor a: expected data of its own"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("malformed")
  void brokenStructureIsRefused(String what, GgufWriter writer, String message) {
    assertThatThrownBy(() -> open(writer).close())
        .as(what)
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aKeyThatIsNoUtf8IsRefused() {
    byte[] bytes = new GgufWriter().pair("k", GgufValueType.UINT8, int8(1)).bytes();
    bytes[32] = (byte) 0xff;

    assertThatThrownBy(() -> open(bytes).close())
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("offset 24, key 0: expected UTF-8");
  }

  @Test
  void whatIsNotThereIsSaidSo() {
    assertThatThrownBy(() -> Checkpoint.open(folder.resolve("none.gguf")).close())
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("none.gguf")
        .hasMessageContaining("nothing there");
  }

  @Test
  void closingTwiceIsHarmlessAndTensorsDieWithTheCheckpoint() {
    Checkpoint checkpoint = Checkpoint.open(Reference.path("malformed/valid/llama.gguf"));
    Tensor norm = checkpoint.require("output_norm.weight", 1, 32);
    checkpoint.close();
    checkpoint.close();

    assertThatThrownBy(() -> norm.data().get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  private Checkpoint open(GgufWriter writer) {
    return open(writer.bytes());
  }

  private Checkpoint open(byte[] bytes) {
    try {
      return Checkpoint.open(Files.write(folder.resolve("test.gguf"), bytes));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
