/// The command line: one jar that serves, and that generates, measures and looks into models
/// without a server. Start at {@link dev.slabstream.cli.CommandLineInterface}.
@NullMarked
package dev.slabstream.cli;

import org.jspecify.annotations.NullMarked;
