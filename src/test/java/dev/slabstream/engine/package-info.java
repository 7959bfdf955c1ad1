/// The engine step by step, on a model that computes next to nothing and shows everything.
@NullMarked
package dev.slabstream.engine;

import org.jspecify.annotations.NullMarked;
