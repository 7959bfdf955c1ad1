package dev.slabstream.engine;

/// A picture of the engine; readable from any thread, each figure current, the set not taken at one instant.
///
/// @param waiting sequences in the queue
/// @param running sequences that hold a lease
/// @param steps steps that did work
/// @param promptTokens prompt tokens computed
/// @param generatedTokens tokens handed out
public record EngineStats(
    int waiting, int running, long steps, long promptTokens, long generatedTokens) {}
