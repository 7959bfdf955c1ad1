/// Matrix products, norms, rotary embedding, attention and activations over packed weights: the interface
/// ({@link dev.slabstream.kernel.Kernels}), the scalar reference, the worker threads, and the choice of backend.
@NullMarked
package dev.slabstream.kernel;

import org.jspecify.annotations.NullMarked;
