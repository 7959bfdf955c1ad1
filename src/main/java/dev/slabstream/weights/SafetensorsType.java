package dev.slabstream.weights;

import dev.slabstream.tensor.ElementType;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The element types of safetensors by their names in the file. Sizes are checked for all of them,
/// weights are read of three.
enum SafetensorsType {
  BOOL(8),
  F4(4),
  F6_E2M3(6),
  F6_E3M2(6),
  U8(8),
  I8(8),
  F8_E5M2(8),
  F8_E4M3(8),
  F8_E8M0(8),
  F8_E4M3FNUZ(8),
  F8_E5M2FNUZ(8),
  I16(16),
  U16(16),
  F16(16, ElementType.F16),
  BF16(16, ElementType.BF16),
  I32(32),
  U32(32),
  F32(32, ElementType.F32),
  C64(64),
  F64(64),
  I64(64),
  U64(64);

  private static final Map<String, SafetensorsType> BY_NAME =
      Arrays.stream(values()).collect(Collectors.toMap(Enum::name, Function.identity()));

  private final int bits;
  private final @Nullable ElementType elementType;

  SafetensorsType(int bits) {
    this(bits, null);
  }

  SafetensorsType(int bits, @Nullable ElementType elementType) {
    this.bits = bits;
    this.elementType = elementType;
  }

  int bits() {
    return bits;
  }

  /// Null when weights of this type are not read.
  @Nullable ElementType elementType() {
    return elementType;
  }

  static @Nullable SafetensorsType ofName(String name) {
    return BY_NAME.get(name);
  }
}
