package dev.slabstream.weights;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a model file says of itself: GGUF key-value pairs, or a JSON file as a tree. Nothing here
/// is trusted until it is asked for by type; a key that is missing or of another type gives a
/// [MalformedModelException] with path, key, expected and found.
///
/// Values are decoded anew at each call: keep what is needed again. Where a list is asked for, a
/// single value counts as a list of one (`eos_token_id`, `head_count_kv`).
///
/// In JSON a key may be a path of names with dots: `rope_scaling.factor`. JSON's null counts as
/// absent.
public interface Metadata {
  boolean has(String key);

  /// All top-level keys in file order, with values as plain Java objects (String, Long, BigInteger
  /// beyond 63 bits, Double, Boolean, List, Map): for `inspect`.
  Map<String, Object> entries();

  String requireString(String key);

  Optional<String> string(String key);

  /// An integer within `[min, max]`, whatever integer type the file uses.
  long requireLong(String key, long min, long max);

  Optional<Long> optionalLong(String key, long min, long max);

  default int requireInt(String key, int min, int max) {
    return (int) requireLong(key, min, max);
  }

  /// A finite number.
  double requireDouble(String key);

  Optional<Double> optionalDouble(String key);

  Optional<Boolean> optionalBoolean(String key);

  Optional<List<String>> strings(String key);

  Optional<int[]> ints(String key);

  /// Finite numbers.
  Optional<float[]> floats(String key);

  /// The error that says `key` should have been `expected`, with what was found there.
  MalformedModelException unexpected(String key, String expected);
}
