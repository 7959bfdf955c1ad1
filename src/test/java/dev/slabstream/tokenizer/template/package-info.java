/// Tests of the chat-template interpreter, against goldens that the real Jinja2 made.
@NullMarked
package dev.slabstream.tokenizer.template;

import org.jspecify.annotations.NullMarked;
