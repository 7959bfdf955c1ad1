/// From a request to a stream of events: validation, session-scoped generators, stop strings,
/// cancellation. The only bridge between Reactor and the engine.
///
/// Start at {@link dev.slabstream.generation.GenerationService} and its implementation {@link
/// dev.slabstream.generation.EngineGenerationService}. A request goes through, in this order:
/// `SessionGenerator` (defaults, one at a time), `ParameterValidator` (ranges), `PromptEncoder`
/// (ids that fit), `Generation` (the engine's listener, and the one end), `TextStream` with
/// `StopMatcher` (tokens to text). What is made of tokens is a {@link
/// dev.slabstream.generation.GenerationEvent}; what becomes of requests, for meters, a {@link
/// dev.slabstream.generation.GenerationOutcome}.
@NullMarked
package dev.slabstream.generation;

import org.jspecify.annotations.NullMarked;
