package dev.slabstream.api;

import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// Finds the name that someone who wrote an unknown one may have meant.
final class NearestName {
  /// What other servers call things; no spelling distance would find these.
  private static final Map<String, String> OTHER_SERVERS_NAMES =
      Map.ofEntries(
          Map.entry("max_tokens", "max_new_tokens"),
          Map.entry("max_completion_tokens", "max_new_tokens"),
          Map.entry("max_length", "max_new_tokens"),
          Map.entry("n_predict", "max_new_tokens"),
          Map.entry("num_predict", "max_new_tokens"),
          Map.entry("stop_sequences", "stop"),
          Map.entry("stop_strings", "stop"),
          Map.entry("logprobs", "top_n_tokens"),
          Map.entry("top_logprobs", "top_n_tokens"),
          Map.entry("n_probs", "top_n_tokens"),
          Map.entry("repeat_penalty", "repetition_penalty"),
          Map.entry("echo", "return_full_text"),
          Map.entry("prompt", "inputs"),
          Map.entry("text", "inputs"),
          Map.entry("sampling_params", "parameters"));

  /// A longer name than any of ours is compared no further: the client chose its length.
  private static final int MAX_LENGTH = 64;

  private NearestName() {}

  /// The known name nearest to `unknown`, when it is near enough to be worth a guess.
  static Optional<String> of(String unknown, Collection<String> known) {
    if (unknown.length() > MAX_LENGTH) {
      return Optional.empty();
    }
    String name = unknown.toLowerCase(Locale.ROOT).replace('-', '_');
    String alias = OTHER_SERVERS_NAMES.get(name);
    if (alias != null && known.contains(alias)) {
      return Optional.of(alias);
    }
    String best = null;
    int bestDistance = Math.max(1, name.length() / 3) + 1;
    for (String candidate : known) {
      int distance = distance(name.replace("_", ""), candidate.replace("_", ""));
      if (distance < bestDistance) {
        best = candidate;
        bestDistance = distance;
      }
    }
    return Optional.ofNullable(best);
  }

  /// Levenshtein's distance: insertions, deletions and replacements from `a` to `b`.
  private static int distance(String a, String b) {
    int[] previous = new int[b.length() + 1];
    int[] current = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      current[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        current[j] = Math.min(replaced, 1 + Math.min(previous[j], current[j - 1]));
      }
      int[] swap = previous;
      previous = current;
      current = swap;
    }
    return previous[b.length()];
  }
}
