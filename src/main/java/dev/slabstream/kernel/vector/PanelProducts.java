package dev.slabstream.kernel.vector;

import static dev.slabstream.kernel.PackedPanels.PANEL_ROWS;
import static dev.slabstream.kernel.vector.Lanes.LENGTH;

import dev.slabstream.kernel.Activations;
import dev.slabstream.kernel.PackedPanels;
import dev.slabstream.kernel.PackedPanels.Part;
import dev.slabstream.kernel.PanelFormat;
import java.util.Arrays;

/// Matrix products of one thread: one panel with the tokens of a block. Owns that thread's scratch memory.
///
/// One token: the codes are multiplied as they are read. More: a run of codes is unpacked to floats once, small enough to stay in
/// the first-level cache, and multiplied with tile after tile of the tokens. Group sums are scaled by the same method in both, and
/// in the same order.
final class PanelProducts {
  /// Tokens of a block: a multiple of every tile's width. Its tiles and accumulators stay in the second-level cache.
  static final int BLOCK_TOKENS = 96;

  /// Inputs unpacked at a time: 16 KiB of floats. A multiple of every pair of groups.
  private static final int RUN_ELEMENTS = 128;

  /// Groups whose sums are kept before they are scaled, for one token; even, since groups are stored in pairs.
  private static final int RUN_GROUPS = 64;

  private static final int MIN_GROUP_ELEMENTS = 16;
  private static final float[] ZEROS = new float[PANEL_ROWS];

  private final float[] codes = new float[RUN_ELEMENTS * PANEL_ROWS];
  private final float[] scales = new float[RUN_GROUPS * PANEL_ROWS];
  private final float[] minima = new float[RUN_GROUPS * PANEL_ROWS];
  private final float[] sums =
      new float
          [Math.max(RUN_GROUPS, RUN_ELEMENTS / MIN_GROUP_ELEMENTS * Tile.MAX_WIDTH) * PANEL_ROWS];
  private final float[] acc = new float[(BLOCK_TOKENS + Tile.MAX_WIDTH) * PANEL_ROWS];

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
    PanelFormat format = part.format();
    Arrays.fill(acc, 0, PANEL_ROWS, 0f);
    for (int group = 0; group < part.numGroups(); group += RUN_GROUPS) {
      int numGroups = Math.min(RUN_GROUPS, part.numGroups() - group);
      int element = group * format.groupElements();
      long offset = codesOffset(part, panel, element);
      if (format.codes() == PanelFormat.Codes.NIBBLE) {
        NibbleCodes.sums(part.memory(), offset, numGroups, in.x(), element, sums);
      } else {
        ByteCodes.sums(
            part.memory(), offset, format.groupElements(), numGroups, in.x(), element, sums);
      }
      unpackScales(part, panel, group, numGroups);
      scale(format, sums, 0, PANEL_ROWS, in, group, numGroups, 0);
    }
  }

  /// Outputs of a panel for the tokens of a block, whose inputs are tiled.
  void multiplyMany(
      PackedPanels w, int panel, Activations in, int firstToken, int numTokens, float[] y) {
    Part part = w.partOf(panel);
    Arrays.fill(acc, 0, numTokens * PANEL_ROWS, 0f);
    for (int element = 0; element < in.cols(); element += RUN_ELEMENTS) {
      int numElements = Math.min(RUN_ELEMENTS, in.cols() - element);
      unpackCodes(part, panel, element, numElements);
      if (part.format().isGrouped()) {
        multiplyGroupedRun(part, panel, in, firstToken, numTokens, element, numElements);
      } else {
        multiplyPlainRun(in, firstToken, numTokens, element, numElements);
      }
    }
    for (int t = 0; t < numTokens; t++) {
      int row = (firstToken + t) * w.rows() + part.firstRowOf(panel);
      System.arraycopy(acc, t * PANEL_ROWS, y, row, part.rowsOf(panel));
    }
  }

  private void multiplyPlainRun(
      Activations in, int firstToken, int numTokens, int element, int numElements) {
    for (int t = 0; t < numTokens; ) {
      int width = Tile.width(numTokens - t);
      int x = (firstToken + t) * in.cols() + element * width;
      for (int row = 0; row < PANEL_ROWS; row += 2 * LENGTH) {
        int at = t * PANEL_ROWS + row;
        Tile.multiply(
            width,
            codes,
            row,
            row + LENGTH,
            PANEL_ROWS,
            numElements,
            in.tiles(),
            x,
            acc,
            at,
            PANEL_ROWS,
            acc,
            at,
            PANEL_ROWS);
      }
      t += width;
    }
  }

  private void multiplyGroupedRun(
      Part part,
      int panel,
      Activations in,
      int firstToken,
      int numTokens,
      int element,
      int numElements) {
    PanelFormat format = part.format();
    int groupElements = format.groupElements();
    int group = element / groupElements;
    int numGroups = numElements / groupElements;
    unpackScales(part, panel, group, numGroups);
    for (int t = 0; t < numTokens; ) {
      int width = Tile.width(numTokens - t);
      int x = (firstToken + t) * in.cols() + element * width;
      int groupSums = width * PANEL_ROWS;
      for (int g = 0; g < numGroups; g++) {
        int w = g * groupElements * PANEL_ROWS;
        for (int row = 0; row < PANEL_ROWS; row += 2 * LENGTH) {
          Tile.multiply(
              width,
              codes,
              w + row,
              w + row + LENGTH,
              PANEL_ROWS,
              groupElements,
              in.tiles(),
              x + g * groupElements * width,
              ZEROS,
              0,
              0,
              sums,
              g * groupSums + row,
              PANEL_ROWS);
        }
      }
      int real = Math.min(width, numTokens - t);
      for (int j = 0; j < real; j++) {
        int inputSums = (firstToken + t + j) * in.numGroups() + group;
        scale(
            format,
            sums,
            j * PANEL_ROWS,
            groupSums,
            in,
            inputSums,
            numGroups,
            (t + j) * PANEL_ROWS);
      }
      t += width;
    }
  }

  private void scale(
      PanelFormat format,
      float[] sums,
      int sumsOffset,
      int sumsStride,
      Activations in,
      int inputSums,
      int numGroups,
      int accOffset) {
    if (format.hasMinima()) {
      GroupScales.addWithMinima(
          sums,
          sumsOffset,
          sumsStride,
          scales,
          minima,
          in.groupSums(),
          inputSums,
          numGroups,
          acc,
          accOffset);
    } else if (format.bias() != 0f) {
      GroupScales.addBiased(
          sums,
          sumsOffset,
          sumsStride,
          scales,
          format.bias(),
          in.groupSums(),
          inputSums,
          numGroups,
          acc,
          accOffset);
    } else {
      GroupScales.add(sums, sumsOffset, sumsStride, scales, numGroups, acc, accOffset);
    }
  }

  private void unpackCodes(Part part, int panel, int element, int numElements) {
    long offset = codesOffset(part, panel, element);
    switch (part.format().codes()) {
      case NIBBLE ->
          NibbleCodes.unpack(
              part.memory(), offset, numElements / NibbleCodes.GROUP_ELEMENTS, codes);
      case BYTE -> {
        int groupElements = part.format().groupElements();
        ByteCodes.unpack(part.memory(), offset, groupElements, numElements / groupElements, codes);
      }
      case F32 -> PlainCodes.unpackF32(part.memory(), offset, numElements * PANEL_ROWS, codes);
      case F16 -> PlainCodes.unpackF16(part.memory(), offset, numElements * PANEL_ROWS, codes);
      case BF16 -> PlainCodes.unpackBf16(part.memory(), offset, numElements * PANEL_ROWS, codes);
    }
  }

  private static long codesOffset(Part part, int panel, int element) {
    return part.panelOffset(panel) + part.format().codeBytes(element) * PANEL_ROWS;
  }

  private void unpackScales(Part part, int panel, int group, int numGroups) {
    long skipped = (long) group * PANEL_ROWS * part.format().scaleBytes();
    unpackScales(part, part.scalesOffset(panel) + skipped, numGroups, scales);
    if (part.format().hasMinima()) {
      unpackScales(part, part.minimaOffset(panel) + skipped, numGroups, minima);
    }
  }

  private static void unpackScales(Part part, long offset, int numGroups, float[] out) {
    if (part.format().halfScales()) {
      PlainCodes.unpackF16(part.memory(), offset, numGroups * PANEL_ROWS, out);
    } else {
      PlainCodes.unpackF32(part.memory(), offset, numGroups * PANEL_ROWS, out);
    }
  }
}
