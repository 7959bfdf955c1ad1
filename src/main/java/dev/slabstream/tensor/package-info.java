/// Element types, shapes and typed views of memory. No maths. Start at {@link dev.slabstream.tensor.Tensor}.
@NullMarked
package dev.slabstream.tensor;

import org.jspecify.annotations.NullMarked;
