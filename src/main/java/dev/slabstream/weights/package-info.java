/// Reads model files, GGUF and safetensors: parse, validate, map. Start at {@link
/// dev.slabstream.weights.Checkpoint}.
@NullMarked
package dev.slabstream.weights;

import org.jspecify.annotations.NullMarked;
