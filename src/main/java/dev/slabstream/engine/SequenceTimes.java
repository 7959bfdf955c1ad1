package dev.slabstream.engine;

/// Moments of a sequence on the engine's clock, in nanoseconds; 0 = did not come to it.
public record SequenceTimes(
    long submittedNanos, long admittedNanos, long firstTokenNanos, long endedNanos) {}
