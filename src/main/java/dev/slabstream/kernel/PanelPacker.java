package dev.slabstream.kernel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.slabstream.kernel.PackedPanels.Part;
import dev.slabstream.kernel.PanelFormat.Codes;
import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/// Repacks tensors into [PackedPanels], panels in parallel, and checks that every scale and plain weight is finite.
final class PanelPacker {
  private static final System.Logger LOG = System.getLogger(PanelPacker.class.getName());
  private static final ValueLayout.OfShort FILE_SHORT =
      JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int PANELS_PER_CLAIM = 2;

  private final WeightMemory memory;
  private final WorkerPool pool;

  PanelPacker(WeightMemory memory, WorkerPool pool) {
    this.memory = memory;
    this.pool = pool;
  }

  PackedPanels pack(List<Tensor> tensors) {
    if (tensors.isEmpty()) {
      throw new IllegalArgumentException("pack needs at least one tensor");
    }
    long cols = tensors.getFirst().cols();
    long rows = 0;
    for (Tensor tensor : tensors) {
      if (tensor.cols() != cols) {
        throw new IllegalArgumentException(
            tensor.name()
                + " has "
                + tensor.cols()
                + " columns; those packed with it have "
                + cols);
      }
      rows += tensor.rows();
    }
    if (cols > Integer.MAX_VALUE / 1024 || rows > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          tensors.getFirst().name() + ": [" + rows + ", " + cols + "] is too large to pack");
    }
    List<Part> parts = new ArrayList<>();
    int firstRow = 0;
    int firstPanel = 0;
    for (Tensor tensor : tensors) {
      PanelFormat[] formats = formats(tensor);
      for (int from = 0; from < formats.length; ) {
        int to = endOfRun(formats, from);
        Part part = packPart(tensor, formats[from], from, to, firstRow, firstPanel);
        parts.add(part);
        firstRow += part.rows();
        firstPanel += part.numPanels();
        from = to;
      }
    }
    return new PackedPanels((int) cols, parts.toArray(Part[]::new));
  }

  /// Formats of the panels of a tensor: what its type says, but for panels with a code of -128, which fields cannot hold. Quantisers
  /// round to -127 to 127; a file may have it all the same, and such panels are packed as floats.
  private PanelFormat[] formats(Tensor tensor) {
    PanelFormat usual = PanelFormat.of(tensor.type());
    PanelFormat[] formats = new PanelFormat[Part.numPanels((int) tensor.rows())];
    Arrays.fill(formats, usual);
    if (tensor.type() != ElementType.Q8_0) {
      return formats;
    }
    LongAdder found = new LongAdder();
    pool.run(
        formats.length,
        PANELS_PER_CLAIM,
        (from, to, worker) -> {
          for (int panel = from; panel < to; panel++) {
            if (hasLowestCode(tensor, panel)) {
              formats[panel] = PanelFormat.plain(Codes.F32);
              found.increment();
            }
          }
        });
    if (found.sum() > 0) {
      LOG.log(
          Level.WARNING,
          "{0}: {1} of {2} panels of {3} rows have a code of -128, which quantisers to Q8_0 avoid, and are kept as 32-bit floats:"
              + " 3.8 times as large, and slower",
          tensor.name(),
          found.sum(),
          formats.length,
          PackedPanels.PANEL_ROWS);
    }
    return formats;
  }

  private static boolean hasLowestCode(Tensor tensor, int panel) {
    int blockBytes = tensor.type().blockBytes();
    long firstRow = (long) panel * PackedPanels.PANEL_ROWS;
    long end = Math.min(tensor.rows(), firstRow + PackedPanels.PANEL_ROWS);
    byte lowest = 0;
    for (long r = firstRow; r < end; r++) {
      byte[] row = tensor.row(r).toArray(JAVA_BYTE);
      for (int block = 0; block < row.length; block += blockBytes) {
        for (int i = block + Short.BYTES; i < block + blockBytes; i++) {
          lowest = (byte) Math.min(lowest, row[i]);
        }
      }
    }
    return lowest == Byte.MIN_VALUE;
  }

  private static int endOfRun(PanelFormat[] formats, int from) {
    int to = from + 1;
    while (to < formats.length && formats[to].equals(formats[from])) {
      to++;
    }
    return to;
  }

  /// Panels `fromPanel` to `toPanel` of a tensor, as a part that begins at `firstRow` and `firstPanel` of the matrix.
  private Part packPart(
      Tensor tensor, PanelFormat format, int fromPanel, int toPanel, int firstRow, int firstPanel) {
    int fromRow = fromPanel * PackedPanels.PANEL_ROWS;
    int rows = (int) Math.min(tensor.rows(), (long) toPanel * PackedPanels.PANEL_ROWS) - fromRow;
    int cols = (int) tensor.cols();
    MemorySegment panels = memory.allocate((toPanel - fromPanel) * Part.panelBytes(format, cols));
    Part part = new Part(format, firstRow, rows, firstPanel, cols, panels);
    pool.run(
        part.numPanels(),
        1,
        (from, to, worker) -> {
          for (int i = from; i < to; i++) {
            int panel = firstPanel + i;
            long tensorRow = fromRow + (long) i * PackedPanels.PANEL_ROWS;
            if (format.isGrouped()) {
              packGrouped(tensor, tensorRow, part, panel);
            } else {
              packPlain(tensor, tensorRow, part, panel);
            }
          }
        });
    return part;
  }

  /// Row after row, each by a method of its own: the compiler would make one of all these loops anew for each that it meets running.
  ///
  /// @param firstRow row of the tensor that is the panel's first
  private static void packGrouped(Tensor tensor, long firstRow, Part part, int panel) {
    PanelFormat format = part.format();
    int codesPerWord = format.codesPerWord();
    int[] words = new int[part.cols() / codesPerWord * PackedPanels.PANEL_ROWS];
    float[] panelScales = new float[part.numGroups() * PackedPanels.PANEL_ROWS];
    float[] panelMinima = new float[part.numGroups() * PackedPanels.PANEL_ROWS];
    for (int lane = 0; lane < part.rowsOf(panel); lane++) {
      unpackRow(tensor, firstRow + lane, format, lane, words, panelScales, panelMinima);
    }
    int groupWords = words.length / part.numGroups();
    for (int g = 0; g < part.numGroups(); g++) {
      long codesOffset = part.groupOffset(panel, g);
      MemorySegment.copy(words, g * groupWords, part.memory(), JAVA_INT, codesOffset, groupWords);
      writeScales(panelScales, g, part, part.scalesOffset(panel, g));
      if (format.hasMinima()) {
        writeScales(panelMinima, g, part, part.minimaOffset(panel, g));
      }
    }
  }

  /// Puts the words, scales and minima of one row into lane `lane` of a panel's.
  private static void unpackRow(
      Tensor tensor,
      long rowIndex,
      PanelFormat format,
      int lane,
      int[] words,
      float[] panelScales,
      float[] panelMinima) {
    BlockUnpacker unpacker = BlockUnpacker.of(tensor.type());
    int blockElements = tensor.type().blockElements();
    int blockBytes = tensor.type().blockBytes();
    int groupsPerBlock = blockElements / format.groupElements();
    int wordsPerBlock = blockElements / format.codesPerWord();
    byte[] codes = new byte[blockElements];
    float[] scales = new float[groupsPerBlock];
    float[] minima = new float[groupsPerBlock];
    byte[] row = tensor.row(rowIndex).toArray(JAVA_BYTE);
    for (int block = 0; block < row.length / blockBytes; block++) {
      unpacker.unpack(row, block * blockBytes, codes, scales, minima);
      int word = block * wordsPerBlock * PackedPanels.PANEL_ROWS + lane;
      if (format.codes() == Codes.NIBBLE) {
        putNibbles(codes, words, word);
      } else {
        putBytes(codes, words, word);
      }
      for (int g = 0; g < groupsPerBlock; g++) {
        if (!Float.isFinite(scales[g]) || !Float.isFinite(minima[g])) {
          throw new NonFiniteWeightException(
              tensor.name(),
              rowIndex * row.length + (long) block * blockBytes,
              "scale " + scales[g] + " and minimum " + minima[g]);
        }
        int at = (block * groupsPerBlock + g) * PackedPanels.PANEL_ROWS + lane;
        panelScales[at] = scales[g];
        panelMinima[at] = minima[g];
      }
    }
  }

  private static void putNibbles(byte[] codes, int[] words, int word) {
    for (int k = 0; k < codes.length; k += 8) {
      words[word + k / 8 * PackedPanels.PANEL_ROWS] = fields(codes, k) | fields(codes, k + 4) << 4;
    }
  }

  private static void putBytes(byte[] codes, int[] words, int word) {
    for (int k = 0; k < codes.length; k += 4) {
      words[word + k / 4 * PackedPanels.PANEL_ROWS] = fields(codes, k);
    }
  }

  /// Four codes, the first in the topmost field; negative ones borrow from the field above.
  private static int fields(byte[] codes, int from) {
    return (codes[from] << 24) + (codes[from + 1] << 16) + (codes[from + 2] << 8) + codes[from + 3];
  }

  /// Writes the scales of group `group`, which are 32 of `scales`.
  private static void writeScales(float[] scales, int group, Part part, long offset) {
    int from = group * PackedPanels.PANEL_ROWS;
    for (int lane = 0; lane < PackedPanels.PANEL_ROWS; lane++) {
      if (part.format().halfScales()) {
        short half = Float.floatToFloat16(scales[from + lane]);
        part.memory().set(JAVA_SHORT, offset + (long) lane * Short.BYTES, half);
      } else {
        part.memory().set(JAVA_FLOAT, offset + (long) lane * Float.BYTES, scales[from + lane]);
      }
    }
  }

  private static void packPlain(Tensor tensor, long firstRow, Part part, int panel) {
    int cols = part.cols();
    boolean wide = part.format().codes() == Codes.F32;
    float[] weights = new float[cols];
    float[] floats = new float[wide ? cols * PackedPanels.PANEL_ROWS : 0];
    short[] halves = new short[wide ? 0 : cols * PackedPanels.PANEL_ROWS];
    for (int lane = 0; lane < part.rowsOf(panel); lane++) {
      MemorySegment row = tensor.row(firstRow + lane);
      Dequantizer.row(tensor, firstRow + lane, weights);
      for (int k = 0; k < cols; k++) {
        int at = k * PackedPanels.PANEL_ROWS + lane;
        if (wide) {
          floats[at] = weights[k];
        } else {
          halves[at] = row.getAtIndex(FILE_SHORT, k);
        }
        if (!Float.isFinite(weights[k])) {
          int block = k / tensor.type().blockElements();
          throw new NonFiniteWeightException(
              tensor.name(),
              (firstRow + lane) * row.byteSize() + (long) block * tensor.type().blockBytes(),
              "" + weights[k]);
        }
      }
    }
    if (wide) {
      MemorySegment.copy(
          floats, 0, part.memory(), JAVA_FLOAT, part.panelOffset(panel), floats.length);
    } else {
      MemorySegment.copy(
          halves, 0, part.memory(), JAVA_SHORT, part.panelOffset(panel), halves.length);
    }
  }
}
