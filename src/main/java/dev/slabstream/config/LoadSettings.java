package dev.slabstream.config;

import dev.slabstream.engine.EngineSettings;
import dev.slabstream.kernel.KernelSettings;
import java.util.OptionalLong;

/// What [LoadedModel] needs to be told, as plain values.
///
/// @param slabBytes size of the slab; empty = derived from the memory that the process may use
/// @param blockTokens tokens in one block of the slab
/// @param slabMemory where the slab lies: an ND4J array serves, plain memory starts without ND4J's
///     seconds
public record LoadSettings(
    KernelSettings kernels,
    EngineSettings engine,
    OptionalLong slabBytes,
    int blockTokens,
    SlabKind slabMemory) {

  /// Who allocates the slab.
  public enum SlabKind {
    ND4J,
    PLAIN
  }
}
