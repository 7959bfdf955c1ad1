package dev.slabstream.kernel;

import dev.slabstream.tensor.ElementType;

/// How an element type is stored in panels, and with it which arithmetic its products have.
///
/// The weight behind code `q` of a group with scale `d` and minimum `m` is `d * (q + bias) + m`.
///
/// @param codes width of what stands for one weight
/// @param groupElements consecutive inputs that share a scale; 0 when the codes are the weights themselves
/// @param halfScales whether scales and minima are 16-bit floats, as in the file; else 32-bit
/// @param hasMinima whether groups have a minimum besides the scale
/// @param bias constant added to every code; 0 for all but NIBBLE
public record PanelFormat(
    Codes codes, int groupElements, boolean halfScales, boolean hasMinima, int bias) {

  /// What is stored for each weight; see [PackedPanels] for the words of the integer codes.
  public enum Codes {
    /// Eight unsigned codes of 4 bits in a word.
    NIBBLE,
    /// Four signed codes of 8 bits in a word, -127 to 127.
    BYTE,
    F32,
    F16,
    BF16
  }

  static PanelFormat of(ElementType type) {
    return switch (type) {
      case F32 -> plain(Codes.F32);
      case F16 -> plain(Codes.F16);
      case BF16 -> plain(Codes.BF16);
      case Q4_0 -> new PanelFormat(Codes.NIBBLE, 32, true, false, -8);
      case Q4_1 -> new PanelFormat(Codes.NIBBLE, 32, true, true, 0);
      case Q5_0, Q8_0 -> new PanelFormat(Codes.BYTE, 32, true, false, 0);
      case Q5_1 -> new PanelFormat(Codes.BYTE, 32, true, true, 0);
      case Q4_K -> new PanelFormat(Codes.NIBBLE, 32, false, true, 0);
      case Q5_K -> new PanelFormat(Codes.BYTE, 32, false, true, 0);
      case Q6_K -> new PanelFormat(Codes.BYTE, 16, false, false, 0);
    };
  }

  static PanelFormat plain(Codes codes) {
    return new PanelFormat(codes, 0, false, false, 0);
  }

  /// Whether weights are codes in groups with scales.
  public boolean isGrouped() {
    return groupElements != 0;
  }

  /// Bytes of `numElements` codes of one row.
  public long codeBytes(long numElements) {
    return switch (codes) {
      case NIBBLE -> numElements / 2;
      case BYTE -> numElements;
      case F16, BF16 -> numElements * Short.BYTES;
      case F32 -> numElements * Float.BYTES;
    };
  }

  /// Integer codes in a word of 32 bits.
  public int codesPerWord() {
    return codes == Codes.NIBBLE ? 8 : 4;
  }

  /// Bytes of one scale or minimum.
  public int scaleBytes() {
    return halfScales ? Short.BYTES : Float.BYTES;
  }
}
