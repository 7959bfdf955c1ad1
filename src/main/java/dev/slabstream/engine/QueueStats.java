package dev.slabstream.engine;

/// A picture of what waits for admission, whether for a tokenizer or in the engine's queue.
///
/// @param requests requests that wait
/// @param promptTokens tokens of their prompts, estimated where they are not tokenized yet
public record QueueStats(int requests, long promptTokens) {}
