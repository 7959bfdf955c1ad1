/// Tests of the way from a request to its events.
@NullMarked
package dev.slabstream.generation;

import org.jspecify.annotations.NullMarked;
