package dev.slabstream.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.kernel.Kernels;
import dev.slabstream.model.TestModels.Loaded;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A JVM has one vector width: the others run in JVMs of their own, which compare with the
/// reference as the golden tests do and print digests of all logits.
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class VectorWidthTest {
  private static final List<String> SCALAR = new ArrayList<>();

  @BeforeAll
  static void computeByTheScalarReference() {
    SCALAR.addAll(digests(TestBackend.SCALAR, 0, 1));
  }

  @ParameterizedTest
  @ValueSource(ints = {128, 256, 512})
  void everyWidthEqualsTheScalarReferenceBitForBit(int vectorBits) throws Exception {
    try (Kernels machine = TestBackend.VECTOR.open(1)) {
      int widest = machine.info().vectorBits();
      Assumptions.assumeTrue(
          vectorBits <= widest,
          () -> "this machine's vectors are narrower than the test needs: bits " + widest);
    }

    assertThat(OwnJvm.run(VectorWidthTest.class, List.of(), String.valueOf(vectorBits)))
        .containsExactlyElementsOf(SCALAR);
  }

  /// In the JVM of one width.
  public static void main(String[] args) {
    int vectorBits = Integer.parseInt(args[0]);
    digests(TestBackend.VECTOR, vectorBits, 2).forEach(System.out::println);
  }

  private static List<String> digests(TestBackend backend, int vectorBits, int threads) {
    List<String> lines = new ArrayList<>();
    for (GoldenFile golden : GoldenFile.tiny()) {
      Deviations found = new Deviations();
      try (Kernels kernels = backend.open(threads, vectorBits);
          Loaded loaded = TestModels.load(golden.path(), kernels, 16)) {
        if (vectorBits != 0 && kernels.info().vectorBits() != vectorBits) {
          throw new AssertionError("asked for " + vectorBits + " bits; got " + kernels.info());
        }
        found.compare(loaded, golden, golden.cases());
      }
      lines.add(golden + " " + found.digest() + " " + found);
    }
    return lines;
  }
}
