package dev.slabstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.IntStream;
import jdk.incubator.vector.VectorShape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KernelChoiceTest {
  /// Prints what [Kernels#open] chose for the backend named by the argument, or the message it failed with.
  static final class Opener {
    static void main(String[] args) {
      try (Kernels kernels =
          Kernels.open(new KernelSettings(KernelBackend.valueOf(args[0]), 0, 1))) {
        System.out.println(kernels.info());
      } catch (IllegalStateException e) {
        System.out.println("refused: " + e.getMessage());
      }
    }
  }

  @Test
  void withTheVectorModuleAutoIsTheVectorBackend() {
    try (Kernels kernels = Kernels.open(new KernelSettings(KernelBackend.AUTO, 0, 2))) {
      KernelInfo info = kernels.info();
      assertThat(info.backend()).isEqualTo(KernelBackend.VECTOR);
      assertThat(info.vectorBits()).isIn(128, 256, 512);
      assertThat(info.threads()).isEqualTo(2);
      assertThat(info.deterministic()).isTrue();
    }
  }

  @Test
  void withoutTheVectorModuleAutoIsTheScalarBackendAndNamesTheFlag()
      throws IOException, InterruptedException {
    assertThat(openWithoutModule("AUTO"))
        .contains("backend=SCALAR")
        .contains("--add-modules=jdk.incubator.vector");
  }

  @Test
  void withoutTheVectorModuleTheVectorBackendIsRefusedAndNamesTheFlag()
      throws IOException, InterruptedException {
    assertThat(openWithoutModule("VECTOR"))
        .startsWith("refused: ")
        .contains("--add-modules=jdk.incubator.vector");
  }

  private static String openWithoutModule(String backend) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Opener.class.getName(),
                backend)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("exit code").isZero();
    return printed;
  }

  @Test
  void aSecondWidthInOneJvmIsRefused() {
    int width;
    try (Kernels kernels = Kernels.open(new KernelSettings(KernelBackend.VECTOR, 0, 1))) {
      width = kernels.info().vectorBits();
    }
    int another =
        IntStream.of(128, 256, 512).filter(bits -> bits != width).findFirst().orElseThrow();
    assertThatThrownBy(() -> Kernels.open(new KernelSettings(KernelBackend.VECTOR, another, 1)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(String.valueOf(another))
        .hasMessageContaining(
            String.valueOf(
                another > VectorShape.preferredShape().vectorBitSize()
                    ? VectorShape.preferredShape().vectorBitSize()
                    : width));
  }

  @ParameterizedTest
  @EnumSource(
      value = KernelBackend.class,
      names = {"SCALAR", "VECTOR"})
  void closingTwiceIsHarmlessAndEndsTheWorkers(KernelBackend backend) {
    Set<Thread> others = WorkerPoolTest.workers();
    Kernels kernels = Kernels.open(new KernelSettings(backend, 0, 3));
    kernels.close();
    kernels.close();
    assertThat(others).containsAll(WorkerPoolTest.workers());
  }
}
