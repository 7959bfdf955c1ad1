package dev.slabstream.weights;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Parses a GGUF file, versions 2 and 3, little-endian ([the
/// format](https://github.com/ggml-org/ggml/blob/master/docs/gguf.md)):
///
/// ```
/// "GGUF" | version u32 | tensor count u64 | pair count u64
/// pairs      key string | type u32 | value
/// tensors    name string | number of dimensions u32 | dimensions u64… | type u32 | offset u64
/// padding to the alignment
/// data       offsets count from here
/// ```
///
/// The file is not trusted: no number in it is used before it was checked against what the file can
/// hold.
final class GgufReader {
  private static final int MAGIC = 0x46554747;
  private static final int MAX_KEY_BYTES = 65535;
  private static final int MAX_TENSOR_NAME_BYTES = 256;
  private static final int MAX_DIMENSIONS = 4;
  private static final String ALIGNMENT_KEY = "general.alignment";
  private static final long DEFAULT_ALIGNMENT = 32;
  private static final long MIN_ALIGNMENT = 8;
  private static final long MAX_ALIGNMENT = 1 << 20;

  /// Length of the key, type, value of one byte.
  private static final long MIN_PAIR_BYTES = 8 + 4 + 1;

  /// Length of the name, number of dimensions, one dimension, type, offset.
  private static final long MIN_TENSOR_BYTES = 8 + 4 + 8 + 4 + 8;

  private final ModelFile file;
  private final GgufCursor cursor;

  private GgufReader(ModelFile file) {
    this.file = file;
    this.cursor = new GgufCursor(file, 0);
  }

  record Contents(GgufMetadata metadata, Map<String, Tensor> tensors) {}

  static Contents read(ModelFile file) {
    return new GgufReader(file).read();
  }

  private Contents read() {
    readMagicAndVersion();
    long numTensors = cursor.count("tensor count", MIN_TENSOR_BYTES);
    long numPairs = cursor.count("key-value pair count", MIN_PAIR_BYTES);
    GgufMetadata metadata = readPairs(numPairs);
    long alignment = alignment(metadata);
    List<TensorInfo> infos = readTensorInfos(numTensors);
    long headerEnd = cursor.position();
    long dataStart = Math.addExact(headerEnd, alignment - 1) & -alignment;
    return new Contents(metadata, placeTensors(infos, dataStart, alignment));
  }

  private void readMagicAndVersion() {
    int magic = cursor.int32("magic");
    if (magic != MAGIC) {
      throw cursor.malformed(
          0,
          "magic",
          "the bytes \"GGUF\"",
          String.format("bytes %08x", Integer.reverseBytes(magic)));
    }
    int version = cursor.int32("version");
    int swapped = Integer.reverseBytes(version);
    if (swapped == 2 || swapped == 3) {
      throw cursor.malformed(
          4, "version", "a little-endian file", "a big-endian one, version " + swapped);
    }
    if (version != 2 && version != 3) {
      throw cursor.malformed(4, "version", "2 or 3", Integer.toUnsignedString(version));
    }
  }

  private GgufMetadata readPairs(long count) {
    Map<String, GgufMetadata.Place> places = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      long keyOffset = cursor.position();
      String key = cursor.name("key " + i, MAX_KEY_BYTES);
      String what = "key " + key;
      GgufValueType type = readValueType(what);
      if (places.putIfAbsent(key, new GgufMetadata.Place(type, cursor.position())) != null) {
        throw cursor.malformed(keyOffset, what, "each key once", "it a second time");
      }
      skipValue(type, what, 0);
    }
    return new GgufMetadata(file, places);
  }

  private GgufValueType readValueType(String what) {
    long offset = cursor.position();
    int id = cursor.int32(what);
    GgufValueType type = GgufValueType.ofId(id);
    if (type == null) {
      throw cursor.malformed(
          offset, what, "a value type from 0 to 12", Integer.toUnsignedString(id));
    }
    return type;
  }

  private void skipValue(GgufValueType type, String what, int depth) {
    switch (type) {
      case STRING -> skipString(what);
      case ARRAY -> skipArray(what, depth + 1);
      case BOOL -> readBoolean(what);
      default -> cursor.skip(type.minBytes(), what);
    }
  }

  private void skipString(String what) {
    long length = cursor.count(what, 1);
    cursor.skip(length, what);
  }

  private void skipArray(String what, int depth) {
    if (depth > GgufMetadata.MAX_ARRAY_DEPTH) {
      throw cursor.malformed(
          cursor.position(),
          what,
          "arrays nested at most " + GgufMetadata.MAX_ARRAY_DEPTH + " deep",
          "deeper ones");
    }
    GgufValueType type = readValueType(what);
    long length = cursor.count(what, type.minBytes());
    if (type.isFixedSize() && type != GgufValueType.BOOL) {
      cursor.skip(length * type.minBytes(), what);
      return;
    }
    for (long i = 0; i < length; i++) {
      skipValue(type, what, depth);
    }
  }

  private void readBoolean(String what) {
    byte value = cursor.int8(what);
    if (value != 0 && value != 1) {
      throw cursor.malformed(
          cursor.position() - 1, what, "a boolean of 0 or 1", "" + (value & 0xff));
    }
  }

  private long alignment(GgufMetadata metadata) {
    long alignment =
        metadata
            .optionalLong(ALIGNMENT_KEY, MIN_ALIGNMENT, MAX_ALIGNMENT)
            .orElse(DEFAULT_ALIGNMENT);
    if (Long.bitCount(alignment) != 1) {
      throw metadata.unexpected(ALIGNMENT_KEY, "a power of two");
    }
    return alignment;
  }

  /// @param offset relative to the data
  /// @param offsetField where in the file that number is
  private record TensorInfo(
      String name, ElementType type, long rows, long cols, long offset, long offsetField) {
    long bytes() {
      return rows * type.bytesOf(cols);
    }
  }

  private List<TensorInfo> readTensorInfos(long count) {
    Map<String, TensorInfo> infos = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      long nameOffset = cursor.position();
      TensorInfo info = readTensorInfo(cursor.name("name of tensor " + i, MAX_TENSOR_NAME_BYTES));
      if (infos.putIfAbsent(info.name(), info) != null) {
        throw cursor.malformed(
            nameOffset, "tensor " + info.name(), "each name once", "it a second time");
      }
    }
    return new ArrayList<>(infos.values());
  }

  private TensorInfo readTensorInfo(String name) {
    String what = "tensor " + name;
    long numDimensionsOffset = cursor.position();
    int numDimensions = cursor.int32(what);
    if (numDimensions < 1 || numDimensions > MAX_DIMENSIONS) {
      throw cursor.malformed(
          numDimensionsOffset,
          what,
          "1 to " + MAX_DIMENSIONS + " dimensions",
          Integer.toUnsignedString(numDimensions));
    }
    long dimensionsOffset = cursor.position();
    long[] dimensions = {1, 1, 1, 1};
    for (int i = 0; i < numDimensions; i++) {
      dimensions[i] = cursor.int64(what);
      if (dimensions[i] < 1 || i >= 2 && dimensions[i] != 1) {
        throw cursor.malformed(
            cursor.position() - 8,
            what,
            i < 2 ? "a positive dimension" : "a matrix, so that further dimensions are 1",
            Long.toUnsignedString(dimensions[i]));
      }
    }
    ElementType type = readElementType(what);
    // Fastest dimension first: what the format calls dimension 0 is the length of a row.
    long cols = dimensions[0];
    long rows = dimensions[1];
    requireSize(type, rows, cols, dimensionsOffset, what);
    long offsetField = cursor.position();
    return new TensorInfo(name, type, rows, cols, cursor.int64(what), offsetField);
  }

  private ElementType readElementType(String what) {
    long offset = cursor.position();
    int id = cursor.int32(what);
    ElementType type = GgufTensorTypes.ofId(id);
    if (type == null) {
      throw cursor.malformed(
          offset,
          what,
          "one of F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K",
          GgufTensorTypes.describe(id));
    }
    return type;
  }

  private void requireSize(ElementType type, long rows, long cols, long offset, String what) {
    if (cols % type.blockElements() != 0) {
      throw cursor.malformed(
          offset,
          what,
          type + " rows of a multiple of " + type.blockElements() + " elements",
          "rows of " + cols);
    }
    long blocksPerRow = cols / type.blockElements();
    if (rows > Long.MAX_VALUE / type.blockBytes() / blocksPerRow) {
      throw cursor.malformed(
          offset, what, "less than 2^63 bytes", type + " [" + rows + ", " + cols + "]");
    }
  }

  private Map<String, Tensor> placeTensors(List<TensorInfo> infos, long dataStart, long alignment) {
    for (TensorInfo info : infos) {
      requirePlace(info, dataStart, alignment);
    }
    requireDisjoint(infos);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (TensorInfo info : infos) {
      tensors.put(
          info.name(),
          new Tensor(
              info.name(),
              info.type(),
              info.rows(),
              info.cols(),
              file.bytes().asSlice(dataStart + info.offset(), info.bytes())));
    }
    return tensors;
  }

  private void requirePlace(TensorInfo info, long dataStart, long alignment) {
    String what = "tensor " + info.name();
    if (info.offset() % alignment != 0) {
      throw cursor.malformed(
          info.offsetField(),
          what,
          "an offset that is a multiple of " + alignment,
          Long.toUnsignedString(info.offset()));
    }
    long size = file.bytes().byteSize();
    long dataBytes = size - dataStart;
    if (info.offset() < 0 || info.offset() > dataBytes - info.bytes()) {
      throw cursor.malformed(
          info.offsetField(),
          what,
          info.bytes() + " bytes inside the data, which begin at offset " + dataStart,
          "offset "
              + Long.toUnsignedString(info.offset())
              + " in them; the file ends at offset "
              + size);
    }
  }

  private void requireDisjoint(List<TensorInfo> infos) {
    List<TensorInfo> byOffset = new ArrayList<>(infos);
    // Of two with the same offset the one that comes later in the file is the one to complain
    // about.
    byOffset.sort(Comparator.comparingLong(TensorInfo::offset));
    for (int i = 1; i < byOffset.size(); i++) {
      TensorInfo before = byOffset.get(i - 1);
      TensorInfo after = byOffset.get(i);
      if (after.offset() - before.offset() < before.bytes()) {
        throw cursor.malformed(
            after.offsetField(),
            "tensor " + after.name(),
            "data of its own",
            "offset "
                + after.offset()
                + ", inside tensor "
                + before.name()
                + " at offset "
                + before.offset());
      }
    }
  }
}
