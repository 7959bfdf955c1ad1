package dev.slabstream.generation;

import dev.slabstream.tokenizer.Tokenizer;
import java.util.function.LongSupplier;
import reactor.core.scheduler.Scheduler;

/// What every request needs and none owns.
///
/// @param timers runs what a request has to do later; off the engine's thread
record GenerationContext(
    ServedModel model,
    Tokenizer tokenizer,
    TokenTexts texts,
    PromptEncoder encoder,
    GenerationSettings settings,
    Scheduler timers,
    LongSupplier nanoClock) {}
