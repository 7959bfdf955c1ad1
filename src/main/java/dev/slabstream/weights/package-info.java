/// Reads model files, GGUF and safetensors: parse, validate, map. Start at {@link
/// dev.slabstream.weights.Checkpoint}.
///
/// `GgufReader` and `SafetensorsReader` know the two formats; `GgufCheckpoint` and
/// `HuggingFaceCheckpoint` own the mappings; `TypedMetadata` is what both descriptions share.
@NullMarked
package dev.slabstream.weights;

import org.jspecify.annotations.NullMarked;
