/// The HTTP edge: JSON bodies in, server-sent events and JSON bodies out, in the shape of Text
/// Generation Inference (TGI). Start at {@link dev.slabstream.api.GenerateController}.
///
/// The way of a request: [RequestBodies] reads the bytes, [RequestParser] makes them a request by
/// the table of [Parameter], the generation service runs it, [EventStream] or [WholeReply] writes
/// what comes. Whatever is refused on the way ends in [ErrorResponses].
@NullMarked
package dev.slabstream.api;

import org.jspecify.annotations.NullMarked;
