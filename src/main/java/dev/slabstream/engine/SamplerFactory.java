package dev.slabstream.engine;

import dev.slabstream.sampling.Sampler;
import dev.slabstream.sampling.SamplingParams;

/// Where samplers come from: [Sampler#of], or what a test injects.
@FunctionalInterface
interface SamplerFactory {
  Sampler create(SamplingParams params, int[] promptIds, int vocabSize);
}
