package dev.slabstream.generation;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// [SameBytesUnderLoadTest] with the embedded model. Takes some minutes, so it runs only in the
/// profile `load` and when it is named: `mvn test -Dtest=EmbeddedModelStorm`.
class EmbeddedModelStorm {
  @TempDir private static Path folder;

  @ParameterizedTest
  @ValueSource(ints = {128, 256, 512})
  void aRequestGivesTheSameBytesAloneAndInAStorm(int vectorBits) throws Exception {
    SameBytesUnderLoadTest.stormTheEmbeddedModel(folder, vectorBits);
  }
}
