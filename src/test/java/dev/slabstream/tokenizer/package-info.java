/// Tests of the tokenizer against goldens of Hugging Face's own, and against that library itself on random text.
@NullMarked
package dev.slabstream.tokenizer;

import org.jspecify.annotations.NullMarked;
