/// The composition root: settings, the order in which the parts come up and go down, and the state
/// of the service in between. Start at {@link dev.slabstream.config.ServiceConfiguration}; without
/// Spring at {@link dev.slabstream.config.LoadedModel}.
@NullMarked
package dev.slabstream.config;

import org.jspecify.annotations.NullMarked;
