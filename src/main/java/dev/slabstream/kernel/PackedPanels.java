package dev.slabstream.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/// Weights in panels of [#PANEL_ROWS] rows, rows padded with zeros: lanes of a vector are output rows.
///
/// ```
/// matrix   [part][panel]                            a part is one tensor, or some panels of it
/// panel    [group of inputs], or, in plain formats, weights [inputs][32 rows]
/// group    codes   [words][32 rows]                NIBBLE: 8 weights a word, BYTE: 4
///          scales  [32 rows]                       f16 or f32
///          minima  [32 rows]                       likewise, where the format has them
/// ```
/// So products read memory strictly forwards, which is what the hardware prefetches.
///
/// **Fields.** Four codes make an int, `fields = q0 * 2^24 + q1 * 2^16 + q2 * 2^8 + q3`, negative ones borrowing from the field
/// above. A BYTE word is one such int. A NIBBLE word holds two: the low halves of its bytes are codes 0 to 3, the high halves 4 to
/// 7, and the format's bias is added to each field when the halves are taken apart. Shifting fields left by 8 `i` brings code `i`
/// to the top, so that one conversion makes a float of it: its *term*, `2^24 (q[i] + q[i+1] / 2^8 + ...)`. What hangs on below is
/// not masked away; instead the inputs make up for it ([PanelMath]). No field may leave -128 to 127 with what hangs on, hence no
/// code of -128.
///
/// Panels are numbered through all parts. Words and floats have the machine's byte order. The memory belongs to the kernels that
/// packed it; any thread may read it until they close.
public final class PackedPanels implements PackedMatrix {
  public static final int PANEL_ROWS = 32;

  /// The low half of each field.
  public static final int NIBBLE_MASK = 0x0F0F0F0F;

  /// Times a number: that number in each field.
  public static final int EACH_FIELD = 0x01010101;

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

  /// Whether a part's products need the sums of the inputs of each group.
  public boolean hasMinima() {
    for (Part part : parts) {
      if (part.format.hasMinima()) {
        return true;
      }
    }
    return false;
  }

  /// Whether a part's weights are codes in groups.
  public boolean hasGroups() {
    for (Part part : parts) {
      if (part.format.isGrouped()) {
        return true;
      }
    }
    return false;
  }

  /// Whether a part's weights are plain floats.
  public boolean hasPlain() {
    for (Part part : parts) {
      if (!part.format.isGrouped()) {
        return true;
      }
    }
    return false;
  }

  /// The part that holds panel `panel`: found by halving, since an odd file makes many.
  public Part partOf(int panel) {
    int from = 0;
    int to = parts.length;
    while (to - from > 1) {
      int middle = (from + to) >>> 1;
      if (parts[middle].firstPanel > panel) {
        to = middle;
      } else {
        from = middle;
      }
    }
    return parts[from];
  }

  /// Writes row `row` as the file's type defines its weights, `d * (q + bias) + m` without fusing, to `out`.
  void dequantizeRow(int row, float[] out, int outOffset) {
    int i = parts.length - 1;
    while (parts[i].firstRow > row) {
      i--;
    }
    Part part = parts[i];
    int panel = part.firstPanel + (row - part.firstRow) / PANEL_ROWS;
    int lane = (row - part.firstRow) % PANEL_ROWS;
    PanelFormat format = part.format;
    for (int k = 0; k < cols; k++) {
      float weight;
      if (format.isGrouped()) {
        int group = k / format.groupElements();
        weight = part.scale(panel, group, lane) * part.code(panel, k, lane);
        if (format.hasMinima()) {
          weight += part.minimum(panel, group, lane);
        }
      } else {
        weight = part.weight(panel, k, lane);
      }
      out[outOffset + k] = weight;
    }
  }

  /// Panels of one tensor that have one format: all of them, as a rule ([PanelPacker]).
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

    /// Bytes of `rows` outputs in panels of one format.
    static long bytes(PanelFormat format, long rows, long cols) {
      return (rows + PANEL_ROWS - 1) / PANEL_ROWS * panelBytes(format, cols);
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

    /// Bytes of one group of a panel; grouped formats only.
    public long groupBytes() {
      return groupBytes(format);
    }

    private static long groupBytes(PanelFormat format) {
      int scaleArrays = format.hasMinima() ? 2 : 1;
      return PANEL_ROWS
          * (format.codeBytes(format.groupElements()) + scaleArrays * format.scaleBytes());
    }

    /// Offset of a group of panel `panel`: its codes begin there.
    public long groupOffset(int panel, int group) {
      return panelOffset(panel) + group * groupBytes();
    }

    /// Offset of the 32 scales of a group.
    public long scalesOffset(int panel, int group) {
      return groupOffset(panel, group) + format.codeBytes(format.groupElements()) * PANEL_ROWS;
    }

    /// Offset of the 32 minima of a group.
    public long minimaOffset(int panel, int group) {
      return scalesOffset(panel, group) + (long) PANEL_ROWS * format.scaleBytes();
    }

    static long panelBytes(PanelFormat format, long cols) {
      return format.isGrouped()
          ? cols / format.groupElements() * groupBytes(format)
          : format.codeBytes(cols) * PANEL_ROWS;
    }

    /// Offset of input `k` of a panel in a plain format.
    public long weightsOffset(int panel, int k) {
      return panelOffset(panel) + format.codeBytes(k) * PANEL_ROWS;
    }

    /// Weight of input `k` in a plain format.
    float weight(int panel, int k, int lane) {
      long panelOffset = panelOffset(panel);
      return switch (format.codes()) {
        case F32 -> memory.get(JAVA_FLOAT, panelOffset + at(k, lane) * Float.BYTES);
        case F16 -> Float.float16ToFloat(half(panelOffset, k, lane));
        case BF16 -> Float.intBitsToFloat(half(panelOffset, k, lane) << 16);
        case NIBBLE, BYTE -> throw new IllegalStateException(format + " is grouped");
      };
    }

    /// Code of input `k` in a grouped format, bias included.
    int code(int panel, int k, int lane) {
      int fields = shiftedFields(panel, k, lane);
      return (fields >> 24) + (fields << 8 >>> 31);
    }

    /// Term of input `k` in a grouped format.
    float term(int panel, int k, int lane) {
      return shiftedFields(panel, k, lane);
    }

    /// The fields that hold the code of input `k`, shifted so that it is the topmost.
    private int shiftedFields(int panel, int k, int lane) {
      int element = k % format.groupElements();
      long codes = groupOffset(panel, k / format.groupElements());
      int word = word(codes, element / format.codesPerWord(), lane);
      int fields =
          format.codes() == PanelFormat.Codes.NIBBLE
              ? (word >>> (k % 8 / 4 * 4) & NIBBLE_MASK) + format.bias() * EACH_FIELD
              : word;
      return fields << (8 * (k % 4));
    }

    float scale(int panel, int group, int lane) {
      return scaleAt(scalesOffset(panel, group), lane);
    }

    float minimum(int panel, int group, int lane) {
      return scaleAt(minimaOffset(panel, group), lane);
    }

    private float scaleAt(long offset, int lane) {
      return format.halfScales()
          ? Float.float16ToFloat(half(offset, 0, lane))
          : memory.get(JAVA_FLOAT, offset + (long) lane * Float.BYTES);
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
