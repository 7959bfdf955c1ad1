package dev.slabstream.config;

import dev.slabstream.engine.EngineSettings;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.kvcache.ResetFill;
import dev.slabstream.tensor.KvType;
import java.util.OptionalLong;

/// What [LoadedModel] needs to be told, as plain values.
///
/// @param slabBytes size of the slab; empty = derived from the memory that the process may use
/// @param blockTokens tokens in one block of the slab
/// @param kvType how the slab stores keys and values
/// @param resetFill what becomes of what a request leaves in it
/// @param slabMemory where the slab lies: an ND4J array serves, plain memory starts without ND4J's
///     seconds
public record LoadSettings(
    KernelSettings kernels,
    EngineSettings engine,
    OptionalLong slabBytes,
    int blockTokens,
    KvType kvType,
    ResetFill resetFill,
    SlabKind slabMemory) {

  /// The same with another type of keys and values.
  public LoadSettings withKvType(KvType kvType) {
    return new LoadSettings(kernels, engine, slabBytes, blockTokens, kvType, resetFill, slabMemory);
  }

  /// The name of the [KvType] that is used when nobody says which.
  public static final String DEFAULT_KV_TYPE = "Q8";

  /// Who allocates the slab.
  public enum SlabKind {
    ND4J,
    PLAIN
  }
}
