package dev.slabstream.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetector.Level;
import java.util.UUID;
import java.util.regex.Pattern;
import org.springframework.boot.test.system.CapturedOutput;

/// Buffers of Netty's that nobody released. Netty tells of one in the log, when it was collected and another buffer is made: so a test
/// that only looks at the log finds few.
public final class BufferLeaks {
  private static final Pattern LEAK = Pattern.compile("LEAK: [^\n]*");
  private static final Level USUAL = ResourceLeakDetector.getLevel();

  private BufferLeaks() {}

  /// From now on every buffer is watched, not one in a hundred.
  public static void watch() {
    ResourceLeakDetector.setLevel(Level.PARANOID);
  }

  /// Fails when a buffer was leaked since [#watch()]: leaks one itself, and waits until that is told of. Those that became
  /// unreachable before it are told of by then.
  ///
  /// @param output since then
  public static void assertNone(CapturedOutput output) throws InterruptedException {
    String own = UUID.randomUUID().toString();
    leak(own);
    RunningService.awaitThat(
        "a leak is told of",
        () -> {
          System.gc();
          ByteBufAllocator.DEFAULT.buffer(1).release();
          return output.getAll().contains(own);
        });
    ResourceLeakDetector.setLevel(USUAL);
    assertThat(LEAK.matcher(output.getAll()).results()).as(output.getAll()).hasSize(1);
  }

  private static void leak(String hint) {
    ByteBuf leaked = ByteBufAllocator.DEFAULT.buffer(1);
    leaked.touch(hint);
  }
}
