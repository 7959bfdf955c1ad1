/// Text to token ids and back, and the detokenizer of a stream: byte-pair encoding, byte-level or sentencepiece-style, from a
/// `tokenizer.json` or a GGUF file's vocabulary. Start at {@link dev.slabstream.tokenizer.Tokenizer}; from a file at
/// {@link dev.slabstream.tokenizer.TokenizerDefinition}.
///
/// It is plain Java. Hugging Face's native library gives the same ids and is the witness in the tests, but it ends the process
/// when a pattern's matcher gives up (some eleven million spaces in one text do), which no server can risk.
@NullMarked
package dev.slabstream.tokenizer;

import org.jspecify.annotations.NullMarked;
