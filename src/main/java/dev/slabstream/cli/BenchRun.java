package dev.slabstream.cli;

import dev.slabstream.config.LoadedModel;
import dev.slabstream.kvcache.KvLease;
import dev.slabstream.model.LogitsFor;
import dev.slabstream.model.Slice;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/// Runs tests on a loaded model, without tokenizer, sampling and scheduling. Used by one thread.
///
/// @param chunk tokens of a prompt in one step at most
record BenchRun(LoadedModel loaded, int chunk) {
  private static final long SEED = 1;

  /// Nanoseconds that the tokens of `test` take, which are random, and each sequence's its own.
  ///
  /// What the cache holds before is not computed but left as it is: the time does not depend on
  /// the numbers, and a deep cache would take minutes to fill.
  long nanos(BenchTest test) {
    List<KvLease> leases = new ArrayList<>();
    try {
      List<int[]> ids = new ArrayList<>();
      SplittableRandom random = new SplittableRandom(SEED);
      for (int s = 0; s < test.sequences(); s++) {
        KvLease lease = lease(test);
        leases.add(lease);
        advanceTo(test.depth(), lease);
        ids.add(random.ints(test.tokens(), 0, loaded.config().vocabSize()).toArray());
      }
      long start = System.nanoTime();
      run(test, leases, ids);
      return System.nanoTime() - start;
    } finally {
      leases.forEach(KvLease::close);
    }
  }

  private void run(BenchTest test, List<KvLease> leases, List<int[]> ids) {
    int step = test.kind() == BenchTest.Kind.PROMPT ? chunk : 1;
    List<Slice> slices = new ArrayList<>();
    for (int from = 0; from < test.tokens(); from += step) {
      int count = Math.min(step, test.tokens() - from);
      boolean isLast = from + count == test.tokens();
      LogitsFor logits =
          test.kind() == BenchTest.Kind.PROMPT && !isLast ? LogitsFor.NONE : LogitsFor.LAST;
      slices.clear();
      for (int s = 0; s < leases.size(); s++) {
        leases.get(s).extend(count);
        slices.add(new Slice(leases.get(s), ids.get(s), from, count, logits));
      }
      loaded.model().forward(slices, (_, _, _, _, _) -> {});
      for (KvLease lease : leases) {
        lease.advance(count);
      }
    }
  }

  private KvLease lease(BenchTest test) {
    return loaded
        .slab()
        .lease((int) test.positions(), loaded.config().cacheWindow(), chunk)
        .orElseThrow();
  }

  private void advanceTo(int depth, KvLease lease) {
    while (lease.numComputedTokens() < depth) {
      int count = Math.min(chunk, depth - lease.numComputedTokens());
      lease.extend(count);
      lease.advance(count);
    }
  }
}
