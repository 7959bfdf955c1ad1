/// Text to token ids and back, and the detokenizer of a stream. Start at {@link dev.slabstream.tokenizer.Tokenizer}.
@NullMarked
package dev.slabstream.tokenizer;

import org.jspecify.annotations.NullMarked;
