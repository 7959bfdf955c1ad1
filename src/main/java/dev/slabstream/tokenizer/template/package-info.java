/// A sandboxed interpreter of Jinja's chat-template dialect. Start at {@link dev.slabstream.tokenizer.template.ChatTemplate}.
@NullMarked
package dev.slabstream.tokenizer.template;

import org.jspecify.annotations.NullMarked;
