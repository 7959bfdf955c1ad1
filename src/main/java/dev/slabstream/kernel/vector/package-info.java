/// The kernels' arithmetic with SIMD, through the Vector API; start at {@link dev.slabstream.kernel.vector.VectorBackend}.
@NullMarked
package dev.slabstream.kernel.vector;

import org.jspecify.annotations.NullMarked;
