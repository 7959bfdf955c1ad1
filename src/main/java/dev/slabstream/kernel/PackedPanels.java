package dev.slabstream.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/// Weights in panels of [#PANEL_ROWS] rows, rows padded with zeros: lanes of a vector are output rows.
///
/// ```
/// matrix   [part][panel]                            a part is one tensor
/// panel    codes   [pairs of groups][words of a group][2 groups][32 rows]     NIBBLE: 8 weights a word, BYTE: 4
///                  or, in plain formats, [weights of a row][32 rows]
///          scales  [groups of a row][32 rows]       f16 or f32; grouped formats only
///          minima  [groups of a row][32 rows]       likewise, where the format has them
/// ```
///
/// A pair is two neighbouring groups, word by word in turn: the kernel for one token computes both at once, and so reads memory
/// strictly forwards, which is what the hardware prefetches best. An odd last group has a partner of zeros.
///
/// Panels are numbered through all parts. Words and floats have the machine's byte order. The memory belongs to the kernels that
/// packed it; any thread may read it until they close.
public final class PackedPanels implements PackedMatrix {
  public static final int PANEL_ROWS = 32;

  private final int cols;
  private final int rows;
  private final int numPanels;
  private final Part[] parts;

  PackedPanels(int cols, Part[] parts) {
    this.cols = cols;
    this.parts = parts;
    Part last = parts[parts.length - 1];
    this.rows = last.firstRow + last.rows;
    this.numPanels = last.firstPanel + last.numPanels();
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int cols() {
    return cols;
  }

  public int numPanels() {
    return numPanels;
  }

  @Override
  public long packedBytes() {
    long bytes = 0;
    for (Part part : parts) {
      bytes += part.memory.byteSize();
    }
    return bytes;
  }

  public boolean needsGroupSums() {
    for (Part part : parts) {
      if (part.format.needsGroupSums()) {
        return true;
      }
    }
    return false;
  }

  /// The part that holds panel `panel`.
  public Part partOf(int panel) {
    int i = parts.length - 1;
    while (parts[i].firstPanel > panel) {
      i--;
    }
    return parts[i];
  }

  /// Writes row `row` as the file's type defines its weights, `d * (q + bias) + m` without fusing, to `out`.
  void dequantizeRow(int row, float[] out, int outOffset) {
    int i = parts.length - 1;
    while (parts[i].firstRow > row) {
      i--;
    }
    Part part = parts[i];
    long panel = part.panelOffset(part.firstPanel + (row - part.firstRow) / PANEL_ROWS);
    int lane = (row - part.firstRow) % PANEL_ROWS;
    PanelFormat format = part.format;
    for (int k = 0; k < cols; k++) {
      float code = part.code(panel, k, lane);
      if (format.isGrouped()) {
        int group = k / format.groupElements();
        code = part.scale(panel, group, lane) * (code + format.bias());
        if (format.hasMinima()) {
          code += part.minimum(panel, group, lane);
        }
      }
      out[outOffset + k] = code;
    }
  }

  /// The panels of one tensor.
  ///
  /// @param firstRow its first output in the matrix
  /// @param rows its outputs, without padding
  /// @param firstPanel number of its first panel in the matrix
  /// @param cols inputs
  /// @param memory its panels, one after the other
  public record Part(
      PanelFormat format, int firstRow, int rows, int firstPanel, int cols, MemorySegment memory) {

    public int numPanels() {
      return numPanels(rows);
    }

    static int numPanels(int rows) {
      return (rows + PANEL_ROWS - 1) / PANEL_ROWS;
    }

    /// Groups of a row; 0 for plain formats.
    public int numGroups() {
      return format.isGrouped() ? cols / format.groupElements() : 0;
    }

    /// Outputs that panel `panel` really has: 32, but for the last one.
    public int rowsOf(int panel) {
      return Math.min(PANEL_ROWS, rows - (panel - firstPanel) * PANEL_ROWS);
    }

    /// First output of panel `panel` in the matrix.
    public int firstRowOf(int panel) {
      return firstRow + (panel - firstPanel) * PANEL_ROWS;
    }

    /// Offset of panel `panel` in the memory: its codes begin there.
    public long panelOffset(int panel) {
      return (panel - firstPanel) * panelBytes(format, cols);
    }

    public long codesBytes() {
      return codesBytes(format, cols);
    }

    private static long codesBytes(PanelFormat format, int cols) {
      int pair = 2 * format.groupElements();
      int padded = format.isGrouped() ? (cols + pair - 1) / pair * pair : cols;
      return format.codeBytes(padded) * PANEL_ROWS;
    }

    /// Index, in the rows of words, of the word that holds input `k`.
    int wordIndex(int k) {
      int group = k / format.groupElements();
      int groupWords = format.groupElements() / format.codesPerWord();
      int word = k % format.groupElements() / format.codesPerWord();
      return (group / 2 * groupWords + word) * 2 + group % 2;
    }

    public long scalesOffset(int panel) {
      return panelOffset(panel) + codesBytes();
    }

    public long minimaOffset(int panel) {
      return scalesOffset(panel) + scalesBytes();
    }

    private long scalesBytes() {
      return (long) numGroups() * PANEL_ROWS * format.scaleBytes();
    }

    static long panelBytes(PanelFormat format, int cols) {
      long numGroups = format.isGrouped() ? cols / format.groupElements() : 0;
      long scaleArrays = format.hasMinima() ? 2 : 1;
      return codesBytes(format, cols) + PANEL_ROWS * numGroups * scaleArrays * format.scaleBytes();
    }

    /// Code of input `k`, as stored: without scale and bias.
    float code(long panelOffset, int k, int lane) {
      return switch (format.codes()) {
        case NIBBLE -> (word(panelOffset, wordIndex(k), lane) >>> (4 * (k % 8))) & 15;
        case BYTE -> (byte) (word(panelOffset, wordIndex(k), lane) >> (8 * (k % 4)));
        case F32 -> memory.get(JAVA_FLOAT, panelOffset + at(k, lane) * Float.BYTES);
        case F16 -> Float.float16ToFloat(half(panelOffset, k, lane));
        case BF16 -> Float.intBitsToFloat(half(panelOffset, k, lane) << 16);
      };
    }

    float scale(long panelOffset, int group, int lane) {
      return scaleAt(panelOffset + codesBytes(), group, lane);
    }

    float minimum(long panelOffset, int group, int lane) {
      return scaleAt(panelOffset + codesBytes() + scalesBytes(), group, lane);
    }

    private float scaleAt(long offset, int group, int lane) {
      return format.halfScales()
          ? Float.float16ToFloat(half(offset, group, lane))
          : memory.get(JAVA_FLOAT, offset + at(group, lane) * Float.BYTES);
    }

    private int word(long offset, int index, int lane) {
      return memory.get(JAVA_INT, offset + at(index, lane) * Integer.BYTES);
    }

    private short half(long offset, int index, int lane) {
      return memory.get(JAVA_SHORT, offset + at(index, lane) * Short.BYTES);
    }

    private static long at(int index, int lane) {
      return (long) index * PANEL_ROWS + lane;
    }
  }
}
