/// Load over real HTTP against the built jar in a process of its own: [SmoothStreams], [MixedLoad] and [Soak]. They measure, so they are
/// no unit tests: the Maven profile `load` runs them, each fails when a bound is broken, and reports lie in `target/load`.
@NullMarked
package dev.slabstream.load;

import org.jspecify.annotations.NullMarked;
