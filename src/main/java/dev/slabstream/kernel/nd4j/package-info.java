/// The ND4J backend: OpenBLAS products and ND4J operations, an independent witness of the other two.
@NullMarked
package dev.slabstream.kernel.nd4j;

import org.jspecify.annotations.NullMarked;
