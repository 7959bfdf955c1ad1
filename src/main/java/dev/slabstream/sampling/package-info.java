/// From a row of logits to a token: penalties, filters, seeded choice, log-probabilities. Start at {@link dev.slabstream.sampling.Sampler}.
@NullMarked
package dev.slabstream.sampling;

import org.jspecify.annotations.NullMarked;
