package dev.slabstream.weights;

import dev.slabstream.tensor.ElementType;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The numbers by which GGUF names element types (`ggml_type`).
final class GgufTensorTypes {
  private static final Map<Integer, ElementType> READ =
      Map.ofEntries(
          Map.entry(0, ElementType.F32),
          Map.entry(1, ElementType.F16),
          Map.entry(2, ElementType.Q4_0),
          Map.entry(3, ElementType.Q4_1),
          Map.entry(6, ElementType.Q5_0),
          Map.entry(7, ElementType.Q5_1),
          Map.entry(8, ElementType.Q8_0),
          Map.entry(12, ElementType.Q4_K),
          Map.entry(13, ElementType.Q5_K),
          Map.entry(14, ElementType.Q6_K),
          Map.entry(30, ElementType.BF16));

  /// Types that exist and are not read, so that the message can call them by their name.
  private static final Map<Integer, String> NOT_READ =
      Map.ofEntries(
          Map.entry(9, "Q8_1"),
          Map.entry(10, "Q2_K"),
          Map.entry(11, "Q3_K"),
          Map.entry(15, "Q8_K"),
          Map.entry(16, "IQ2_XXS"),
          Map.entry(17, "IQ2_XS"),
          Map.entry(18, "IQ3_XXS"),
          Map.entry(19, "IQ1_S"),
          Map.entry(20, "IQ4_NL"),
          Map.entry(21, "IQ3_S"),
          Map.entry(22, "IQ2_S"),
          Map.entry(23, "IQ4_XS"),
          Map.entry(24, "I8"),
          Map.entry(25, "I16"),
          Map.entry(26, "I32"),
          Map.entry(27, "I64"),
          Map.entry(28, "F64"),
          Map.entry(29, "IQ1_M"),
          Map.entry(34, "TQ1_0"),
          Map.entry(35, "TQ2_0"),
          Map.entry(39, "MXFP4"));

  private GgufTensorTypes() {}

  static @Nullable ElementType ofId(int id) {
    return READ.get(id);
  }

  /// `type 11 (Q3_K)`.
  static String describe(int id) {
    String name = NOT_READ.get(id);
    String number = "type " + Integer.toUnsignedString(id);
    return name == null ? number : number + " (" + name + ")";
  }
}
