/// GPT-2, Llama and Qwen3 as compositions of kernels; one forward pass over a batch. Start at
/// {@link dev.slabstream.model.LanguageModel}.
@NullMarked
package dev.slabstream.model;

import org.jspecify.annotations.NullMarked;
