package dev.slabstream.kvcache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SlabMemoryTest {
  /// Linux only.
  private static final Path PROCESS_STATUS = Path.of("/proc/self/status");

  @Test
  void theSegmentIsTheArraysOwnMemory() {
    try (Nd4jSlabMemory memory = Nd4jSlabMemory.allocate(4000)) {
      long shift = (memory.segment().address() - memory.array().data().address()) / Float.BYTES;
      memory.segment().set(ValueLayout.JAVA_FLOAT, 0, 1.5f);
      memory.segment().set(ValueLayout.JAVA_FLOAT, 3996, -2.25f);
      assertThat(memory.array().getFloat(shift)).isEqualTo(1.5f);
      assertThat(memory.array().getFloat(shift + 999)).isEqualTo(-2.25f);
      memory.array().putScalar(shift + 500, 7f);
      assertThat(memory.segment().getAtIndex(ValueLayout.JAVA_FLOAT, 500)).isEqualTo(7f);
    }
  }

  @Test
  void isAlignedWhateverTheSize() {
    for (long bytes : new long[] {1, 3, 4, 64, 100, 4096, 1_000_000}) {
      for (SlabMemory memory : new SlabMemory[] {SlabMemory.nd4j(bytes), SlabMemory.plain(bytes)}) {
        assertThat(memory.segment().address() % SlabMemory.ALIGNMENT).isZero();
        assertThat(memory.segment().byteSize()).isEqualTo(bytes);
        memory.close();
      }
    }
  }

  @Test
  void throwsWhenUsedAfterClose() {
    for (SlabMemory memory : new SlabMemory[] {SlabMemory.nd4j(64), SlabMemory.plain(64)}) {
      MemorySegment segment = memory.segment();
      segment.set(ValueLayout.JAVA_INT, 0, 1);
      memory.close();
      assertThatIllegalStateException().isThrownBy(() -> segment.get(ValueLayout.JAVA_INT, 0));
      assertThatIllegalStateException()
          .isThrownBy(() -> memory.segment().asSlice(0, 4).set(ValueLayout.JAVA_INT, 0, 2));
    }
  }

  @Test
  void isReadAndWrittenByAnyThread() throws InterruptedException {
    try (SlabMemory memory = SlabMemory.nd4j(64)) {
      Thread writer =
          Thread.ofPlatform().start(() -> memory.segment().set(ValueLayout.JAVA_INT, 4, 42));
      writer.join();
      assertThat(memory.segment().get(ValueLayout.JAVA_INT, 4)).isEqualTo(42);
    }
  }

  @Test
  void refusesSizesThatMakeNoSense() {
    assertThatIllegalArgumentException().isThrownBy(() -> SlabMemory.nd4j(0));
    assertThatIllegalArgumentException().isThrownBy(() -> SlabMemory.nd4j(-1));
  }

  /// JavaCPP would refuse this by default: it counts the resident memory of the process against a multiple of the heap.
  @Test
  void isMuchLargerThanTheHeap() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx32m",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                LargeSlab.class.getName())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(output).contains("wrote both ends");
    // No page is missing later: all were there before the first use.
    if (Files.exists(PROCESS_STATUS)) {
      assertThat(output).containsPattern("resident [4-9]\\d\\d MiB");
    }
    assertThat(process.exitValue()).isZero();
  }

  static final class LargeSlab {
    public static void main(String[] args) throws IOException {
      long bytes = 400L << 20;
      long before = residentMib();
      try (SlabMemory memory = SlabMemory.nd4j(bytes)) {
        System.out.println("resident " + (residentMib() - before) + " MiB");
        memory.segment().set(ValueLayout.JAVA_INT, 0, 1);
        memory.segment().set(ValueLayout.JAVA_INT, bytes - 4, 2);
        if (memory.segment().get(ValueLayout.JAVA_INT, 0) == 1
            && memory.segment().get(ValueLayout.JAVA_INT, bytes - 4) == 2) {
          System.out.println("wrote both ends");
        }
      }
    }

    private static long residentMib() throws IOException {
      if (!Files.exists(PROCESS_STATUS)) {
        return 0;
      }
      return Files.readAllLines(PROCESS_STATUS).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
          .sum();
    }
  }
}
