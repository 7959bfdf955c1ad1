package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.slabstream.tensor.ElementType;
import dev.slabstream.tensor.Tensor;
import dev.slabstream.weights.Checkpoint;
import dev.slabstream.weights.MalformedModelException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StoredVectorsTest {
  private final Checkpoint checkpoint = Checkpoint.open(TestModels.tiny("llama-a", "Q8_0"));

  @AfterEach
  void close() {
    checkpoint.close();
  }

  @Test
  void turningAMatrixKeepsItsTypeAndItsElements() {
    MemorySegment floats = MemorySegment.ofArray(new float[] {1, 2, 3, 4, 5, 6});
    Tensor turned = turned(ElementType.F32, floats);
    assertThat(turned.data().toArray(ValueLayout.JAVA_FLOAT)).containsExactly(1, 4, 2, 5, 3, 6);

    for (ElementType type : new ElementType[] {ElementType.F16, ElementType.BF16}) {
      Tensor half = turned(type, MemorySegment.ofArray(new short[] {1, 2, 3, 4, 5, 6}));
      assertThat(half.data().toArray(ValueLayout.JAVA_SHORT))
          .containsExactly((short) 1, (short) 4, (short) 2, (short) 5, (short) 3, (short) 6);
    }
  }

  private Tensor turned(ElementType type, MemorySegment data) {
    Tensor turned = StoredVectors.transposed(checkpoint, new Tensor("w", type, 2, 3, data));
    assertThat(turned)
        .extracting(Tensor::rows, Tensor::cols, Tensor::type)
        .containsExactly(3L, 2L, type);
    return turned;
  }

  @Test
  void aQuantisedMatrixCannotBeTurned() {
    Tensor quantised = checkpoint.require("output.weight", 512, 64);
    assertThatThrownBy(() -> StoredVectors.transposed(checkpoint, quantised))
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("output.weight")
        .hasMessageContaining("F32, F16 or BF16")
        .hasMessageContaining("Q8_0");
  }

  @Test
  void aVectorIsReadInItsLength() {
    assertThat(StoredVectors.require(checkpoint, "output_norm.weight", 64))
        .hasSize(64)
        .doesNotContain(0f);
    assertThatThrownBy(() -> StoredVectors.require(checkpoint, "output_norm.weight", 63))
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("output_norm.weight");
  }
}
