package dev.slabstream.tokenizer;

/// A token that is found in the text before it is split.
///
/// @param singleWord only where no letter, digit or underscore touches it
/// @param lstrip takes the whitespace before it along
/// @param rstrip takes the whitespace after it along
record AddedToken(int id, String content, boolean singleWord, boolean lstrip, boolean rstrip) {}
