package dev.slabstream.config;

import dev.slabstream.engine.EngineSettings;
import dev.slabstream.kernel.KernelBackend;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.kvcache.ResetFill;
import dev.slabstream.tensor.KvType;
import java.nio.file.Path;
import java.util.OptionalLong;

/// The small models that tests of the whole load.
public final class TestModel {
  public static final Path REFERENCE = Path.of("src/test/resources/reference").toAbsolutePath();
  public static final Path TINY = REFERENCE.resolve("tiny/llama-a/llama-a-Q4_1.gguf");

  private TestModel() {}

  /// One thread, plain memory, a slab of `slabBytes`.
  public static LoadSettings settings(long slabBytes) {
    return new LoadSettings(
        new KernelSettings(KernelBackend.AUTO, 0, 1),
        new EngineSettings(8, 128, 4),
        OptionalLong.of(slabBytes),
        16,
        KvType.F32,
        ResetFill.KEEP,
        LoadSettings.SlabKind.PLAIN);
  }
}
