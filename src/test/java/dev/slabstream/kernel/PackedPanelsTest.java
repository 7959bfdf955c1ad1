package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kernel.PackedPanels.Part;
import dev.slabstream.tensor.ElementType;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PackedPanelsTest {
  private static final int COLS = 16384;

  /// A head of 8 Gi weights: offsets in it pass the range of an int in every type, and so does the number of its elements.
  @ParameterizedTest
  @EnumSource
  void panelsOfAHeadLargerThanAnIntCountsLieOneAfterTheOther(ElementType type) {
    int rows = 1 << 19;
    Part part = new Part(PanelFormat.of(type), 64, rows, 2, COLS, MemorySegment.NULL);
    int last = 2 + rows / 32 - 1;

    long panelBytes = Part.panelBytes(part.format(), COLS);

    assertThat(panelBytes)
        .isGreaterThanOrEqualTo(type.bytesOf(COLS) * 32)
        .isLessThan(2 * type.bytesOf(COLS) * 32);
    assertThat(part.panelOffset(2)).isZero();
    assertThat(part.panelOffset(last))
        .isEqualTo((rows / 32 - 1) * panelBytes)
        .isGreaterThan(Integer.MAX_VALUE);
    assertThat(part.firstRowOf(last)).isEqualTo(64 + rows - 32);
    if (part.format().isGrouped()) {
      int lastGroup = part.numGroups() - 1;
      long scalesBytes = 32L * part.format().scaleBytes();
      long end =
          part.format().hasMinima()
              ? part.minimaOffset(last, lastGroup) + scalesBytes
              : part.scalesOffset(last, lastGroup) + scalesBytes;
      assertThat(end).isEqualTo(rows / 32 * panelBytes);
    }
  }
}
