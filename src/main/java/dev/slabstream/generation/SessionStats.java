package dev.slabstream.generation;

/// A picture of the sessions.
///
/// @param open open now
/// @param busy open ones with a request in flight
/// @param created opened so far
/// @param expired closed for idleness so far
/// @param deleted closed by their client so far
public record SessionStats(int open, int busy, long created, long expired, long deleted) {}
