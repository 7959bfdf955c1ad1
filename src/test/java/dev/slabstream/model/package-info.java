/// Tests of the models: golden outputs, equivalences bit for bit, files that must be refused; and
/// fixtures for the tests of other packages ({@link dev.slabstream.model.TestModels}, {@link
/// dev.slabstream.model.GoldenFile}).
@NullMarked
package dev.slabstream.model;

import org.jspecify.annotations.NullMarked;
