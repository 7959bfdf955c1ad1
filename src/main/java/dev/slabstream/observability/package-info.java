/// Meters and health indicators, fed from outside of what they measure. Start at {@link
/// dev.slabstream.observability.Meter}, the catalogue.
@NullMarked
package dev.slabstream.observability;

import org.jspecify.annotations.NullMarked;
