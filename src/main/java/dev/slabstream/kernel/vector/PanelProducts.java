package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.PanelMath.TERM_SCALE;
import static dev.slabstream.kernel.vector.Lanes.ROWS;
import static dev.slabstream.kernel.vector.Lanes.STRIP;

import dev.slabstream.kernel.Activations;
import dev.slabstream.kernel.PackedPanels;
import dev.slabstream.kernel.PackedPanels.Part;
import dev.slabstream.kernel.PanelFormat;
import java.util.Arrays;

/// Matrix products of one thread: one panel with the tokens of a block. Owns that thread's scratch memory.
///
/// One token: the codes are multiplied as they are read. A tile of tokens: likewise, each code with all of them. More: a run of codes
/// is unpacked to floats once, small enough to stay in the first-level cache, and multiplied with tile after tile of the tokens. Group sums are scaled by the same method in both, and
/// in the same order.
final class PanelProducts {
  /// Tokens of a block: a multiple of the tile's width. Its tiles and accumulators stay in the second-level cache.
  static final int BLOCK_TOKENS = 96;

  /// Inputs unpacked at a time: 16 KiB of floats for the panel, which leaves as much of a first-level cache of 32 KiB for codes and
  /// inputs. A multiple of every group.
  private static final int RUN_ELEMENTS = 128;

  /// Groups whose sums are kept before they are scaled, for one token and for few: so many that their scales and minima, which lie
  /// between the codes, are still in the first-level cache. Further apart they are lines that prefetching has left behind, and memory is
  /// read at two thirds of the speed.
  private static final int RUN_GROUPS = 16;

  /// Groups whose minima are multiplied at once, for more than one token.
  private static final int MINIMA_GROUPS = 64;

  /// Tokens up to which codes are converted in the registers of the one tile: unpacking them pays only when several tiles read them.
  private static final int FEW_TOKENS = Tile.WIDTH;

  private final float[] weights = new float[RUN_ELEMENTS * PANEL_ROWS];
  private final float[] scales = new float[RUN_GROUPS * PANEL_ROWS];

  private final float[] sums = new float[RUN_GROUPS * Tile.WIDTH * PANEL_ROWS];
  private final float[] acc = new float[(BLOCK_TOKENS + Tile.WIDTH) * PANEL_ROWS];

  /// Of a whole panel, for one token.
  private float[] minima = new float[MINIMA_GROUPS * PANEL_ROWS];

  /// Outputs of a panel for the only token.
  void multiplyOne(PackedPanels w, int panel, Activations in, float[] y) {
    Part part = w.partOf(panel);
    float[] x = in.x();
    long offset = part.panelOffset(panel);
    switch (part.format().codes()) {
      case F32 -> PlainCodes.multiplyF32(part.memory(), offset, in.cols(), x, acc);
      case F16 -> PlainCodes.multiplyF16(part.memory(), offset, in.cols(), x, acc);
      case BF16 -> PlainCodes.multiplyBf16(part.memory(), offset, in.cols(), x, acc);
      case NIBBLE, BYTE -> multiplyOneGrouped(part, panel, in);
    }
    System.arraycopy(acc, 0, y, part.firstRowOf(panel), part.rowsOf(panel));
  }

  private void multiplyOneGrouped(Part part, int panel, Activations in) {
    Arrays.fill(acc, 0, PANEL_ROWS, 0f);
    boolean hasMinima = part.format().hasMinima();
    if (hasMinima && minima.length < part.numGroups() * PANEL_ROWS) {
      minima = new float[part.numGroups() * PANEL_ROWS];
    }
    for (int group = 0; group < part.numGroups(); group += RUN_GROUPS) {
      int numGroups = Math.min(RUN_GROUPS, part.numGroups() - group);
      sumGroups(part, panel, in, group, numGroups);
      unpackScales(part, part.scalesOffset(panel, group), numGroups, TERM_SCALE, scales, 0);
      GroupScales.add(sums, 0, PANEL_ROWS, scales, numGroups, acc, 0);
      if (hasMinima) {
        long offset = part.minimaOffset(panel, group);
        unpackScales(part, offset, numGroups, 1f, minima, group * PANEL_ROWS);
      }
    }
    if (hasMinima) {
      for (int group = 0; group < part.numGroups(); group += RUN_GROUPS) {
        int numGroups = Math.min(RUN_GROUPS, part.numGroups() - group);
        int from = group * PANEL_ROWS;
        GroupScales.addMinima(minima, from, in.groupSums(), group, numGroups, acc, 0);
      }
    }
  }

  private void sumGroups(Part part, int panel, Activations in, int firstGroup, int numGroups) {
    PanelFormat format = part.format();
    int groupElements = format.groupElements();
    boolean nibbles = format.codes() == PanelFormat.Codes.NIBBLE;
    for (int g = 0; g < numGroups; g++) {
      int x = (firstGroup + g) * groupElements;
      for (int row = 0; row < PANEL_ROWS; row += ROWS) {
        long words = part.groupOffset(panel, firstGroup + g) + row * Integer.BYTES;
        int sumsAt = g * PANEL_ROWS + row;
        if (nibbles) {
          NibbleCodes.sums(part.memory(), words, format.bias(), in.termInputs(), x, sums, sumsAt);
        } else {
          ByteCodes.sums(part.memory(), words, groupElements, in.termInputs(), x, sums, sumsAt);
        }
      }
    }
  }

  /// Outputs of a panel for the tokens of a block, whose inputs are tiled.
  void multiplyMany(
      PackedPanels w, int panel, Activations in, int firstToken, int numTokens, float[] y) {
    Part part = w.partOf(panel);
    Arrays.fill(acc, 0, numTokens * PANEL_ROWS, 0f);
    if (part.format().isGrouped() && numTokens <= FEW_TOKENS) {
      multiplyFewGrouped(part, panel, in, firstToken, numTokens);
    } else {
      multiplyUnpacked(part, panel, in, firstToken, numTokens);
    }
    if (part.format().hasMinima()) {
      multiplyMinima(part, panel, in, firstToken, numTokens);
    }
    for (int t = 0; t < numTokens; t++) {
      int row = (firstToken + t) * w.rows() + part.firstRowOf(panel);
      System.arraycopy(acc, t * PANEL_ROWS, y, row, part.rowsOf(panel));
    }
  }

  /// Both strips of a group before the next group, so that memory is read forwards.
  private void multiplyFewGrouped(
      Part part, int panel, Activations in, int firstToken, int numTokens) {
    int tile = firstToken * in.cols();
    int stride = Tile.WIDTH * PANEL_ROWS;
    for (int group = 0; group < part.numGroups(); group += RUN_GROUPS) {
      int numGroups = Math.min(RUN_GROUPS, part.numGroups() - group);
      for (int g = 0; g < numGroups; g++) {
        long words = part.groupOffset(panel, group + g);
        int x = tile + (group + g) * part.format().groupElements() * Tile.WIDTH;
        for (int row = 0; row < PANEL_ROWS; row += STRIP) {
          tileSums(part, words + row * Integer.BYTES, in.termTiles(), x, g * stride + row);
        }
      }
      unpackScales(part, part.scalesOffset(panel, group), numGroups, TERM_SCALE, scales, 0);
      for (int t = 0; t < numTokens; t++) {
        GroupScales.add(sums, t * PANEL_ROWS, stride, scales, numGroups, acc, t * PANEL_ROWS);
      }
    }
  }

  private void tileSums(Part part, long words, float[] x, int xAt, int sumsAt) {
    PanelFormat format = part.format();
    if (format.codes() == PanelFormat.Codes.NIBBLE) {
      NibbleCodes.tileSums(part.memory(), words, format.bias(), x, xAt, sums, sumsAt);
    } else {
      ByteCodes.tileSums(part.memory(), words, format.groupElements(), x, xAt, sums, sumsAt);
    }
  }

  private void multiplyUnpacked(
      Part part, int panel, Activations in, int firstToken, int numTokens) {
    for (int element = 0; element < in.cols(); element += RUN_ELEMENTS) {
      int numElements = Math.min(RUN_ELEMENTS, in.cols() - element);
      unpack(part, panel, element, numElements);
      for (int row = 0; row < PANEL_ROWS; row += STRIP) {
        if (part.format().isGrouped()) {
          multiplyGroupedRun(part, row, in, firstToken, numTokens, element, numElements);
        } else {
          multiply(
              weights, row, in.tiles(), in.cols(), firstToken, numTokens, element, numElements);
        }
      }
    }
  }

  private void multiplyMinima(Part part, int panel, Activations in, int firstToken, int numTokens) {
    for (int group = 0; group < part.numGroups(); group += MINIMA_GROUPS) {
      int numGroups = Math.min(MINIMA_GROUPS, part.numGroups() - group);
      unpackScales(part, part.minimaOffset(panel, group), numGroups, 1f, minima, 0);
      for (int row = 0; row < PANEL_ROWS; row += STRIP) {
        multiply(
            minima, row, in.sumTiles(), in.numGroups(), firstToken, numTokens, group, numGroups);
      }
    }
  }

  /// Adds to the accumulators of a strip, tile after tile of tokens, one chain of plain products.
  ///
  /// @param w weights in strips of `numColumns`
  /// @param row first row of the strip
  /// @param x tiled inputs of `cols` columns; `numColumns` of them from `column` on are multiplied
  private void multiply(
      float[] w,
      int row,
      float[] x,
      int cols,
      int firstToken,
      int numTokens,
      int column,
      int numColumns) {
    int strip = Lanes.strip(row, numColumns);
    for (int t = 0; t < numTokens; t += Tile.WIDTH) {
      int input = (firstToken + t) * cols + column * Tile.WIDTH;
      Tile.multiply(w, strip, numColumns, x, input, acc, t * PANEL_ROWS + row);
    }
  }

  private void multiplyGroupedRun(
      Part part,
      int row,
      Activations in,
      int firstToken,
      int numTokens,
      int element,
      int numElements) {
    int groupElements = part.format().groupElements();
    int numGroups = numElements / groupElements;
    int w = Lanes.strip(row, numElements);
    for (int t = 0; t < numTokens; t += Tile.WIDTH) {
      GroupTile.multiply(
          weights,
          w,
          numGroups,
          groupElements,
          in.termTiles(),
          (firstToken + t) * in.cols() + element * Tile.WIDTH,
          scales,
          Lanes.strip(row, numGroups),
          acc,
          t * PANEL_ROWS + row);
    }
  }

  /// Weights of a run, as [Lanes#strip] orders them; of grouped formats terms, and their scales.
  private void unpack(Part part, int panel, int element, int numElements) {
    switch (part.format().codes()) {
      case NIBBLE, BYTE -> unpackGroups(part, panel, element, numElements);
      case F32 ->
          PlainCodes.unpackF32(
              part.memory(), part.weightsOffset(panel, element), numElements, weights);
      case F16 ->
          PlainCodes.unpackF16(
              part.memory(), part.weightsOffset(panel, element), numElements, weights);
      case BF16 ->
          PlainCodes.unpackBf16(
              part.memory(), part.weightsOffset(panel, element), numElements, weights);
    }
  }

  private void unpackGroups(Part part, int panel, int element, int numElements) {
    PanelFormat format = part.format();
    int group = element / format.groupElements();
    int numGroups = numElements / format.groupElements();
    long offset = part.groupOffset(panel, group);
    long stride = part.groupBytes();
    if (format.codes() == PanelFormat.Codes.NIBBLE) {
      NibbleCodes.unpack(part.memory(), offset, stride, format.bias(), numGroups, weights);
    } else {
      ByteCodes.unpack(part.memory(), offset, stride, format.groupElements(), numGroups, weights);
    }
    unpackScales(part, part.scalesOffset(panel, group), numGroups, TERM_SCALE, scales, 0);
  }

  private static void unpackScales(
      Part part, long offset, int numGroups, float power, float[] out, int outOffset) {
    if (part.format().halfScales()) {
      PlainCodes.scalesF16(
          part.memory(), offset, part.groupBytes(), numGroups, power, out, outOffset);
    } else {
      PlainCodes.scalesF32(
          part.memory(), offset, part.groupBytes(), numGroups, power, out, outOffset);
    }
  }
}
