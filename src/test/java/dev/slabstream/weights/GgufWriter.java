package dev.slabstream.weights;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Writes GGUF files, right and wrong ones: nothing is checked, counts are what the caller says.
final class GgufWriter {
  private final ByteArrayOutputStream pairs = new ByteArrayOutputStream();
  private final ByteArrayOutputStream infos = new ByteArrayOutputStream();
  private int version = 3;
  private long numPairs;
  private long numTensors;
  private int alignment = 32;
  private int dataBytes;

  GgufWriter version(int newVersion) {
    version = newVersion;
    return this;
  }

  /// What the writer itself pads to; no key is written.
  GgufWriter alignment(int newAlignment) {
    alignment = newAlignment;
    return this;
  }

  /// @param value the bytes behind the type
  GgufWriter pair(String key, GgufValueType type, byte[]... value) {
    numPairs++;
    pairs.writeBytes(string(key));
    pairs.writeBytes(int32(type.ordinal()));
    for (byte[] part : value) {
      pairs.writeBytes(part);
    }
    return this;
  }

  GgufWriter tensor(String name, int type, long offset, long... dimensions) {
    numTensors++;
    infos.writeBytes(string(name));
    infos.writeBytes(int32(dimensions.length));
    for (long dimension : dimensions) {
      infos.writeBytes(int64(dimension));
    }
    infos.writeBytes(int32(type));
    infos.writeBytes(int64(offset));
    return this;
  }

  GgufWriter data(int bytes) {
    dataBytes = bytes;
    return this;
  }

  byte[] bytes() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(int32(version));
    out.writeBytes(int64(numTensors));
    out.writeBytes(int64(numPairs));
    out.writeBytes(pairs.toByteArray());
    out.writeBytes(infos.toByteArray());
    int dataStart = Math.ceilDiv(out.size(), alignment) * alignment;
    return Arrays.copyOf(out.toByteArray(), dataStart + dataBytes);
  }

  static byte[] int8(int value) {
    return new byte[] {(byte) value};
  }

  static byte[] int32(int value) {
    return little(4).putInt(value).array();
  }

  static byte[] int64(long value) {
    return little(8).putLong(value).array();
  }

  static byte[] string(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return little(8 + bytes.length).putLong(bytes.length).put(bytes).array();
  }

  static byte[] arrayOf(GgufValueType type, long length) {
    return little(12).putInt(type.ordinal()).putLong(length).array();
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
