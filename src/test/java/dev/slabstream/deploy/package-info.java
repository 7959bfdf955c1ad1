/// Tests of what ships the service: the chart, and the memory of the process that it asks room for.
@NullMarked
package dev.slabstream.deploy;

import org.jspecify.annotations.NullMarked;
