package dev.slabstream.kernel;

/// What computes, for logs, `/info` and metrics.
///
/// @param backend the backend that runs, never AUTO
/// @param vectorBits width of a vector register in bits; 0 where none is used
/// @param threads number of threads that compute
/// @param deterministic whether results are the same bits whatever the batch, chunking and threads
/// @param reason why this backend was chosen, one sentence
public record KernelInfo(
    KernelBackend backend, int vectorBits, int threads, boolean deterministic, String reason) {}
