/// Continuous batching: sequences, the scheduler, the step loop and its thread.
///
/// Start at [dev.slabstream.engine.Engine]. A [dev.slabstream.engine.SequenceRequest] waits in the `SubmissionQueue`, becomes a
/// `Sequence`, is admitted and given its share of each step by the `Scheduler`, computed as part of a `StepBatch`, and ends with an
/// `Outcome`. [dev.slabstream.engine.EngineStats] and [dev.slabstream.engine.EngineEvents] are what can be seen of it.
@NullMarked
package dev.slabstream.engine;

import org.jspecify.annotations.NullMarked;
