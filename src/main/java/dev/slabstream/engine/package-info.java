/// Continuous batching: sequences, the scheduler, the step loop and its thread. Start at {@link dev.slabstream.engine.Engine}.
@NullMarked
package dev.slabstream.engine;

import org.jspecify.annotations.NullMarked;
