/// Tests of the command line: in this process, and once as a process of its own.
@NullMarked
package dev.slabstream.cli;

import org.jspecify.annotations.NullMarked;
