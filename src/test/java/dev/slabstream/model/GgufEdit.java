package dev.slabstream.model;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/// A GGUF file with other key-value pairs or tensor names: what a test of the configuration needs,
/// and no more.
final class GgufEdit {
  private static final int ALIGNMENT = 32;
  private static final int UINT32 = 4;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;
  private static final int[] SCALAR_BYTES = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

  private final Map<String, byte[]> pairs = new LinkedHashMap<>();
  private final Map<String, byte[]> tensors = new LinkedHashMap<>();
  private final byte[] head;
  private final byte[] tail;

  GgufEdit(Path file) {
    ByteBuffer in;
    try {
      in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    head = new byte[8];
    in.get(head);
    long numTensors = in.getLong();
    long numPairs = in.getLong();
    for (long i = 0; i < numPairs; i++) {
      String key = string(in);
      int start = in.position();
      skipValue(in, in.getInt());
      pairs.put(key, Arrays.copyOfRange(in.array(), start, in.position()));
    }
    for (long i = 0; i < numTensors; i++) {
      String name = string(in);
      int start = in.position();
      in.position(in.position() + Integer.BYTES + Long.BYTES * in.getInt(in.position()) + 12);
      tensors.put(name, Arrays.copyOfRange(in.array(), start, in.position()));
    }
    tail = Arrays.copyOfRange(in.array(), aligned(in.position()), in.limit());
  }

  GgufEdit set(String key, int value) {
    pairs.put(key, little(8).putInt(UINT32).putInt(value).array());
    return this;
  }

  GgufEdit set(String key, float value) {
    pairs.put(key, little(8).putInt(FLOAT32).putFloat(value).array());
    return this;
  }

  GgufEdit set(String key, boolean value) {
    pairs.put(key, little(5).putInt(BOOL).put((byte) (value ? 1 : 0)).array());
    return this;
  }

  GgufEdit set(String key, String value) {
    byte[] text = value.getBytes(StandardCharsets.UTF_8);
    pairs.put(key, little(12 + text.length).putInt(STRING).putLong(text.length).put(text).array());
    return this;
  }

  GgufEdit remove(String key) {
    if (pairs.remove(key) == null) {
      throw new IllegalArgumentException("no key " + key);
    }
    return this;
  }

  GgufEdit rename(String tensor, String name) {
    byte[] info = tensors.remove(tensor);
    if (info == null) {
      throw new IllegalArgumentException("no tensor " + tensor);
    }
    tensors.put(name, info);
    return this;
  }

  Path write(Path file) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(head);
    out.writeBytes(little(16).putLong(tensors.size()).putLong(pairs.size()).array());
    pairs.forEach((key, value) -> writeNamed(out, key, value));
    tensors.forEach((name, info) -> writeNamed(out, name, info));
    out.writeBytes(new byte[aligned(out.size()) - out.size()]);
    out.writeBytes(tail);
    try {
      return Files.write(file, out.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void writeNamed(ByteArrayOutputStream out, String name, byte[] value) {
    byte[] text = name.getBytes(StandardCharsets.UTF_8);
    out.writeBytes(little(Long.BYTES).putLong(text.length).array());
    out.writeBytes(text);
    out.writeBytes(value);
  }

  private static String string(ByteBuffer in) {
    byte[] text = new byte[Math.toIntExact(in.getLong())];
    in.get(text);
    return new String(text, StandardCharsets.UTF_8);
  }

  private static void skipValue(ByteBuffer in, int type) {
    if (type == STRING) {
      string(in);
    } else if (type == ARRAY) {
      int elements = in.getInt();
      long length = in.getLong();
      for (long i = 0; i < length; i++) {
        skipValue(in, elements);
      }
    } else {
      in.position(in.position() + SCALAR_BYTES[type]);
    }
  }

  private static int aligned(int offset) {
    return Math.ceilDiv(offset, ALIGNMENT) * ALIGNMENT;
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
