package dev.slabstream.weights;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class HuggingFaceCheckpointTest {
  private static final Path WHOLE = Reference.path("tiny/qwen3-a/hf");
  private static final int NUM_SHARDS = 3;

  @TempDir private Path folder;

  @BeforeEach
  void writeConfig() throws IOException {
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"model_type": "llama", "hidden_size": 64, "rope_scaling": {"factor": 8.0, "type": null},
         "eos_token_id": [2, 7], "bos_token_id": 1, "big": 1000000000000000019884624838656,
         "bad": NaN, "theta": 10000}
        """);
  }

  @Test
  void dottedKeysReachIntoObjectsAndNullIsAbsent() throws IOException {
    write("model.safetensors", new SafetensorsWriter());

    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      Metadata config = checkpoint.metadata();
      assertThat(checkpoint.format()).isEqualTo(Checkpoint.Format.HUGGING_FACE);
      assertThat(config.requireDouble("rope_scaling.factor")).isEqualTo(8.0);
      assertThat(config.requireDouble("theta")).isEqualTo(10000.0);
      assertThat(config.has("rope_scaling.type")).isFalse();
      assertThat(config.has("rope_scaling.factor.deeper")).isFalse();
      assertThat(config.string("rope_scaling.type")).isEmpty();
      assertThat(config.ints("eos_token_id").orElseThrow()).containsExactly(2, 7);
      assertThat(config.ints("bos_token_id").orElseThrow()).containsExactly(1);
      assertThat(config.entries().keySet()).startsWith("model_type", "hidden_size");
      assertThatThrownBy(() -> config.requireLong("big", 0, Long.MAX_VALUE))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("1000000000000000019884624838656");
      assertThatThrownBy(() -> config.requireDouble("bad"))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("config.json, key bad: expected a finite number; found NaN");
      assertThatThrownBy(() -> config.requireLong("rope_scaling.missing", 0, 1))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("key rope_scaling.missing");
    }
  }

  @Test
  void buffersThatAreNoWeightsAreLeftOut() throws IOException {
    write(
        "model.safetensors",
        new SafetensorsWriter()
            .tensor("h.0.attn.bias", "F32", "[1,1,2,2]", new byte[16])
            .tensor("h.1.attn.bias", "BOOL", "[1,1,2,2]", new byte[4])
            .tensor("h.0.attn.masked_bias", "F32", "[]", new byte[4])
            .tensor("layers.0.rotary_emb.inv_freq", "F32", "[8]", new byte[32])
            .tensor("position_ids", "I64", "[2]", new byte[16])
            .tensor("cube", "F32", "[2,2,2]", new byte[32])
            .tensor("empty", "F32", "[0,7]", new byte[0])
            .tensor("fp8.weight", "F8_E4M3", "[2,2]", new byte[4])
            .tensor("h.0.attn.c_attn.bias", "F16", "[6]", new byte[12])
            .tensor("h.0.attn.c_attn.weight", "BF16", "[2,6]", new byte[24])
            .entry("\"__metadata__\":{\"format\":\"pt\"}"));

    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.tensors().keySet())
          .containsExactly("h.0.attn.c_attn.bias", "h.0.attn.c_attn.weight");
      assertThat(checkpoint.require("h.0.attn.c_attn.bias", 1, 6).type())
          .isEqualTo(ElementType.F16);
      assertThat(checkpoint.require("h.0.attn.c_attn.weight", 2, 6).type())
          .isEqualTo(ElementType.BF16);
      assertThatThrownBy(() -> checkpoint.require("fp8.weight", 2, 2))
          .isInstanceOf(MalformedModelException.class)
          .hasMessageContaining("F8_E4M3 [2, 2], which is not read as a weight");
    }
  }

  static Stream<Arguments> malformedHeaders() {
    byte[] eight = new byte[8];
    return Stream.of(
        Arguments.of("[]", eight, "offset 8: expected START_OBJECT"),
        Arguments.of("", eight, "expected START_OBJECT; found the end"),
        Arguments.of("{", eight, "expected well-formed JSON"),
        Arguments.of("{} {}", new byte[0], "expected the end of the JSON"),
        Arguments.of("{\"a\":1}", eight, "tensor a: expected START_OBJECT"),
        Arguments.of("{\"a\":{}}", eight, "tensor a: expected dtype, shape and data_offsets"),
        Arguments.of("{\"__metadata__\":{\"a\":1}}", eight, "__metadata__: expected VALUE_STRING"),
        Arguments.of("{\"__metadata__\":{},\"__metadata__\":{}}", eight, "Duplicate"),
        Arguments.of(two("a", 0, 4, "a", 4, 8), eight, "Duplicate"),
        Arguments.of(two("a", 0, 4, "b", 0, 4), eight, "tensor b: expected data from 4"),
        Arguments.of(two("a", 4, 8, "b", 4, 8), eight, "tensor a: expected data from 0"),
        Arguments.of(two("a", 4, 8, "b", 0, 4), new byte[12], "4 more bytes"),
        Arguments.of(two("a", 4, 8, "b", 8, 12), new byte[12], "tensor a: expected data from 0"),
        Arguments.of(one("F32", "[1]", "[0,12]"), eight, "up to 8; found [0, 12]"),
        Arguments.of(one("F32", "[1]", "[0]"), eight, "expected two data_offsets"),
        Arguments.of(one("F32", "[1]", "[0,-8]"), eight, "numbers from 0"),
        Arguments.of(one("F32", "[1]", "[0,18446744073709551616]"), eight, "numbers from 0"),
        Arguments.of(one("F32", "[1]", "[0,8.0]"), eight, "expected VALUE_NUMBER_INT"),
        Arguments.of(one("F32", "[3]", "[0,8]"), eight, "as many bytes as F32 [3] takes"),
        Arguments.of(one("F32", "[4611686018427387906,1]", "[0,8]"), eight, "as many bytes as F32"),
        Arguments.of(
            one("F32", "[4294967296,4294967296,2]", "[0,8]"), eight, "as many bytes as F32"),
        Arguments.of(
            one("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]", "[0,8]"), eight, "at most 16"),
        Arguments.of(one("Q4_0", "[2]", "[0,8]"), eight, "found Q4_0"),
        Arguments.of("{\"a\":" + "[".repeat(2000) + "]".repeat(2000) + "}", eight, "tensor a"),
        Arguments.of(
            "{\"a\":{\"x\":" + "[".repeat(2000) + "]".repeat(2000) + "}}", eight, "depth"));
  }

  private static String one(String dtype, String shape, String offsets) {
    return "{\"a\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}}"
        .formatted(dtype, shape, offsets);
  }

  private static String two(
      String name, int begin, int end, String otherName, int otherBegin, int otherEnd) {
    String entry = "\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%d,%d]}";
    return "{%s,%s}"
        .formatted(
            entry.formatted(name, begin, end), entry.formatted(otherName, otherBegin, otherEnd));
  }

  @ParameterizedTest
  @MethodSource("malformedHeaders")
  void aBrokenHeaderIsRefused(String header, byte[] data, String message) throws IOException {
    Path file =
        Files.write(folder.resolve("model.safetensors"), SafetensorsWriter.bytes(header, data));

    assertThatThrownBy(() -> Checkpoint.open(folder).close())
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(message);
  }

  @Test
  void aHeaderThatIsNoUtf8IsRefused() throws IOException {
    byte[] bytes = SafetensorsWriter.bytes("{\"__metadata__\":{\"a\":\"x\"}}", new byte[0]);
    bytes[bytes.length - 4] = (byte) 0xff;
    Files.write(folder.resolve("model.safetensors"), bytes);

    assertThatThrownBy(() -> Checkpoint.open(folder).close())
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("UTF-8");
  }

  @Test
  void aSplitModelHasTheTensorsOfTheWholeOne() throws IOException {
    split(Map.of());

    try (Checkpoint whole = Checkpoint.open(WHOLE);
        Checkpoint sharded = Checkpoint.open(folder)) {
      assertThat(sharded.tensors().keySet()).isEqualTo(whole.tensors().keySet()).hasSize(35);
      whole
          .tensors()
          .forEach(
              (name, tensor) -> {
                Tensor other = sharded.require(name, tensor.rows(), tensor.cols());
                assertThat(other.type()).isEqualTo(tensor.type());
                assertThat(other.data().mismatch(tensor.data())).as(name).isEqualTo(-1);
              });
    }
  }

  @Test
  void anIndexThatDisagreesWithTheShardsIsRefused() throws IOException {
    String norm = "model.norm.weight";

    split(Map.of(norm, shardName(0)));
    refused("tensor model.norm.weight: expected in");

    split(Map.of("nowhere.weight", shardName(1)));
    refused("tensor nowhere.weight: expected in " + shardName(1) + "; found no such tensor");

    split(Map.of(norm, "../" + shardName(1)));
    refused("tensor model.norm.weight: expected a plain file name");

    split(Map.of(norm, "model-00009-of-00003.safetensors"));
    refused("expected a file model-00009-of-00003.safetensors beside it");
  }

  @Test
  void aTensorInAShardThatTheIndexDoesNotKnowIsRefused() throws IOException {
    write("one.safetensors", new SafetensorsWriter().tensor("a", "F32", "[1]", new byte[4]));
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"weight_map\": {\"b\": \"one.safetensors\"}}");

    refused("tensor a: expected in one.safetensors; found no entry");
  }

  @Test
  void aFolderWithoutWeightsOrConfigIsRefused() throws IOException {
    refused("expected model.safetensors or model.safetensors.index.json; found neither");

    Files.writeString(folder.resolve("model.safetensors.index.json"), "{\"weight_map\": []}");
    refused("key weight_map: expected an object");

    Files.writeString(folder.resolve("config.json"), "{\"a\": 1, \"a\": 2}");
    refused("Duplicate");

    Files.delete(folder.resolve("config.json"));
    refused("expected a config.json; found none");
  }

  @Test
  void siblingsAreReadByPlainNameOnly() {
    try (Checkpoint checkpoint = Checkpoint.open(WHOLE)) {
      assertThat(checkpoint.sibling("generation_config.json")).isPresent();
      assertThat(checkpoint.sibling("none.json")).isEmpty();
      assertThat(checkpoint.siblingBytes("tokenizer.json").orElseThrow()).isNotEmpty();
      for (String name : List.of("../hf/config.json", "/etc/passwd", "..", "", "a\\b")) {
        assertThatThrownBy(() -> checkpoint.siblingBytes(name))
            .as(name)
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }

  private void refused(String message) {
    assertThatThrownBy(() -> Checkpoint.open(folder).close())
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining(message);
  }

  private void write(String name, SafetensorsWriter writer) throws IOException {
    Files.write(folder.resolve(name), writer.bytes());
  }

  private static String shardName(int shard) {
    return "model-%05d-of-%05d.safetensors".formatted(shard + 1, NUM_SHARDS);
  }

  /// Deals the tensors of the tiny model out to shards.
  ///
  /// @param overrides entries of the index that say something else
  private void split(Map<String, String> overrides) throws IOException {
    Map<String, String> weightMap = new TreeMap<>();
    SafetensorsWriter[] shards =
        Stream.generate(SafetensorsWriter::new).limit(NUM_SHARDS).toArray(SafetensorsWriter[]::new);
    try (Checkpoint whole = Checkpoint.open(WHOLE)) {
      int next = 0;
      for (Tensor tensor : whole.tensors().values()) {
        int shard = next++ % NUM_SHARDS;
        String shape =
            tensor.rows() == 1
                ? "[" + tensor.cols() + "]"
                : "[" + tensor.rows() + "," + tensor.cols() + "]";
        shards[shard].tensor(
            tensor.name(), tensor.type().name(), shape, tensor.data().toArray(JAVA_BYTE));
        weightMap.put(tensor.name(), shardName(shard));
      }
    }
    weightMap.putAll(overrides);
    for (int shard = 0; shard < NUM_SHARDS; shard++) {
      write(shardName(shard), shards[shard]);
    }
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        weightMap.entrySet().stream()
            .map(entry -> "\"" + entry.getKey() + "\":\"" + entry.getValue() + "\"")
            .collect(Collectors.joining(",", "{\"metadata\":{},\"weight_map\":{", "}}")));
  }
}
