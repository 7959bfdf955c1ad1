package dev.slabstream.generation;

import dev.slabstream.tokenizer.Tokenizer;
import java.util.function.LongSupplier;

/// What every request needs and none owns.
record GenerationContext(
    ServedModel model,
    Tokenizer tokenizer,
    TokenTexts texts,
    PromptEncoder encoder,
    LongSupplier nanoClock) {}
