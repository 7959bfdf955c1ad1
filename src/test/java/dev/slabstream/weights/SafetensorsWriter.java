package dev.slabstream.weights;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// Writes safetensors files, right and wrong ones: nothing is checked.
final class SafetensorsWriter {
  private final List<String> entries = new ArrayList<>();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();

  SafetensorsWriter tensor(String name, String dtype, String shape, byte[] bytes) {
    return entry(name, dtype, shape, data.size(), data.size() + bytes.length).data(bytes);
  }

  SafetensorsWriter entry(String name, String dtype, String shape, long begin, long end) {
    return entry(
        "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
            .formatted(name, dtype, shape, begin, end));
  }

  SafetensorsWriter entry(String json) {
    entries.add(json);
    return this;
  }

  SafetensorsWriter data(byte[] bytes) {
    data.writeBytes(bytes);
    return this;
  }

  byte[] bytes() {
    return bytes("{" + String.join(",", entries) + "}", data.toByteArray());
  }

  static byte[] bytes(String header, byte[] data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .put(data)
        .array();
  }
}
