package dev.slabstream.generation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.model.OwnJvm;
import java.util.List;
import org.junit.jupiter.api.Test;

/// However little memory is left where a request ends, it ends: its place and its session are free, and its client is told.
class EndsWithoutMemoryTest {
  @Test
  void everyEndIsOneHoweverLittleMemoryIsLeft() throws Exception {
    List<String> lines =
        OwnJvm.run(EndsWithoutMemory.class, List.of("-XX:+UseSerialGC", "-Xms16m", "-Xmx16m"));
    assertThat(lines)
        .hasSize(EndsWithoutMemory.Way.values().length + 1)
        .allSatisfy(
            line ->
                assertThat(line)
                    .as("way, ends without enough memory, ends with enough")
                    .matches("[A-Z_]+ [1-9][0-9]* [1-9][0-9]*"));
  }
}
