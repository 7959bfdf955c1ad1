package dev.slabstream.sampling;

import java.util.Arrays;

/// Which tokens a sequence holds, and how often each occurs in its output: what the penalties need. An open-addressing hash
/// table with linear probing, so that memory follows the sequence and not the vocabulary.
final class TokenCounts {
  private static final int FREE = -1;

  private int[] ids;
  private int[] outputCounts;
  private int size;

  TokenCounts(int expected) {
    ids = new int[Math.max(64, Integer.highestOneBit(Math.max(1, expected)) * 4)];
    Arrays.fill(ids, FREE);
    outputCounts = new int[ids.length];
  }

  void addPrompt(int id) {
    slotOf(id);
  }

  void addOutput(int id) {
    int slot = slotOf(id);
    outputCounts[slot]++;
  }

  void penalise(Candidates candidates, SamplingParams params) {
    for (int slot = 0; slot < ids.length; slot++) {
      if (ids[slot] == FREE) {
        continue;
      }
      double logit = candidates.logit(ids[slot]);
      // Dividing a negative logit would make the token more likely.
      logit = logit > 0 ? logit / params.repetitionPenalty() : logit * params.repetitionPenalty();
      int count = outputCounts[slot];
      if (count > 0) {
        logit -= count * params.frequencyPenalty() + params.presencePenalty();
      }
      candidates.set(ids[slot], logit);
    }
  }

  private int slotOf(int id) {
    if (size * 2 >= ids.length) {
      grow();
    }
    int slot = find(id);
    if (ids[slot] == FREE) {
      ids[slot] = id;
      size++;
    }
    return slot;
  }

  private int find(int id) {
    int mask = ids.length - 1;
    // Fibonacci hashing: ids of frequent tokens lie close together.
    int slot = (id * 0x9E3779B9 >>> 8) & mask;
    while (ids[slot] != FREE && ids[slot] != id) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    int[] oldIds = ids;
    int[] oldCounts = outputCounts;
    ids = new int[oldIds.length * 2];
    Arrays.fill(ids, FREE);
    outputCounts = new int[ids.length];
    for (int old = 0; old < oldIds.length; old++) {
      if (oldIds[old] != FREE) {
        int slot = find(oldIds[old]);
        ids[slot] = oldIds[old];
        outputCounts[slot] = oldCounts[old];
      }
    }
  }
}
