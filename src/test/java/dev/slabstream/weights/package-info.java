/// Tests of the readers: the reference files, malformed ones, and files broken at random.
@NullMarked
package dev.slabstream.weights;

import org.jspecify.annotations.NullMarked;
