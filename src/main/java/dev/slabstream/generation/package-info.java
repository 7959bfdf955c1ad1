/// From a request to a stream of events: validation, session-scoped generators, stop strings, cancellation. The only
/// bridge between Reactor and the engine. Start at {@link dev.slabstream.generation.GenerationService}.
@NullMarked
package dev.slabstream.generation;

import org.jspecify.annotations.NullMarked;
