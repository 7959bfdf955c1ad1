/// A sandboxed interpreter of Jinja's chat-template dialect. Start at {@link dev.slabstream.tokenizer.template.ChatTemplate}.
///
/// The way of a template: `Lexer` (text and tags to tokens), `Parser` with `ExpressionParser` (to the tree of `Node` and
/// `Expr`), kept as a `CompiledTemplate`; then for each rendering `Variables` (what is given, as values), `Interpreter`
/// (statements) and `Evaluator` (expressions) with `Attributes`, `Operators`, `Filters`, `Tests` and `Globals`.
///
/// Values are those of Python, in a closed set (`Value`), so that a template reaches nothing else of the JVM. Every string
/// is a `Text`, which knows where each of its characters came from. What a rendering may cost is in `Limits`, counted by a
/// `Budget`.
///
/// The meaning of everything is Jinja2's, set up as Hugging Face's transformers does: `trim_blocks`, `lstrip_blocks`, an
/// immutable sandbox, `tojson` without HTML escapes, `break` and `continue`, `{% generation %}`, `raise_exception`,
/// `strftime_now`. Left out, with an error that says so: recursive loops, inheritance and imports, `%` on strings,
/// `str.format`, and the filters that only web pages use.
@NullMarked
package dev.slabstream.tokenizer.template;

import org.jspecify.annotations.NullMarked;
