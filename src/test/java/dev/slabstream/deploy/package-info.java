/// Tests of what ships the service: the chart.
@NullMarked
package dev.slabstream.deploy;

import org.jspecify.annotations.NullMarked;
