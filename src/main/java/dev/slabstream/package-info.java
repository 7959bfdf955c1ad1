/// Slabstream: an inference microservice for decoder-only language models on CPUs.
///
/// The way of a token, package by package: `api` → `generation` → `engine` → `model` → `kernel` over the
/// slab of `kvcache`, and back as an event. `docs/architecture.md` tells it whole.
@NullMarked
package dev.slabstream;

import org.jspecify.annotations.NullMarked;
