package dev.slabstream.model;

import dev.slabstream.kernel.KvRun;
import dev.slabstream.kvcache.KvLease;
import dev.slabstream.kvcache.KvSlab;
import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Where the rows of one forward pass belong: token ids, positions, and the runs of each sequence
/// in the slab. Belongs to one model and is filled anew for each step.
final class Batch {
  private final ModelConfig config;
  private final List<KvRun> runs = new ArrayList<>();

  /// Runs that are not in use: a step makes none anew.
  private final List<KvRun> spareRuns = new ArrayList<>();

  private int[] ids = {};
  private int[] positions = {};
  private int numTokens;
  private @Nullable KvSlab slab;

  Batch(ModelConfig config) {
    this.config = config;
  }

  /// Checks the slices and lays their tokens one after the other.
  void begin(List<Slice> slices) {
    numTokens = 0;
    slab = slices.getFirst().lease().slab();
    requireOwnLayout(slab.layout());
    for (int s = 0; s < slices.size(); s++) {
      check(s, slices.get(s));
      numTokens = Math.addExact(numTokens, slices.get(s).count());
    }
    if (ids.length < numTokens) {
      ids = new int[numTokens];
      positions = new int[numTokens];
    }
    int row = 0;
    for (int s = 0; s < slices.size(); s++) {
      Slice slice = slices.get(s);
      int start = slice.lease().numComputedTokens();
      addRun(slice.lease(), row, slice.count(), start);
      for (int i = 0; i < slice.count(); i++, row++) {
        ids[row] = slice.ids()[slice.from() + i];
        positions[row] = start + i;
      }
    }
  }

  private void addRun(KvLease lease, int firstToken, int numTokens, int startPosition) {
    KvRun run = spareRuns.isEmpty() ? new KvRun() : spareRuns.removeLast();
    run.set(lease.blockTable(), firstToken, numTokens, startPosition);
    runs.add(run);
  }

  private void clearRuns() {
    while (!runs.isEmpty()) {
      KvRun run = runs.removeLast();
      run.clear();
      spareRuns.add(run);
    }
  }

  /// Leaves only the tokens whose logits are wanted, in order, and moves their rows of
  /// `activations` to the front.
  ///
  /// @return how many are left
  int keepWanted(List<Slice> slices, Activations activations) {
    int wanted = 0;
    for (int s = 0; s < slices.size(); s++) {
      wanted += slices.get(s).numWanted();
    }
    if (wanted == numTokens) {
      return wanted;
    }
    clearRuns();
    int row = 0;
    int kept = 0;
    for (int s = 0; s < slices.size(); s++) {
      Slice slice = slices.get(s);
      int count = slice.numWanted();
      int skipped = slice.count() - count;
      if (count > 0) {
        activations.moveRows(row + skipped, kept, count);
        int start = slice.lease().numComputedTokens() + skipped;
        addRun(slice.lease(), kept, count, start);
      }
      row += slice.count();
      kept += count;
    }
    return kept;
  }

  /// Lets go of the leases' tables, so that no finished sequence is held until the next step.
  void end() {
    clearRuns();
    slab = null;
  }

  int numTokens() {
    return numTokens;
  }

  /// `[numTokens]`
  int[] ids() {
    return ids;
  }

  /// `[numTokens]`
  int[] positions() {
    return positions;
  }

  List<KvRun> runs() {
    return runs;
  }

  MemorySegment slab() {
    return current().segment();
  }

  KvLayout layout() {
    return current().layout();
  }

  private KvSlab current() {
    if (slab == null) {
      throw new IllegalStateException("no step is being computed");
    }
    return slab;
  }

  private void requireOwnLayout(KvLayout layout) {
    if (layout.numLayers() != config.numLayers()
        || layout.numKvHeads() != config.numKvHeads()
        || layout.headDim() != config.headDim()) {
      throw new IllegalArgumentException(
          "the slab must have "
              + config.numLayers()
              + " layers of "
              + config.numKvHeads()
              + " heads of "
              + config.headDim()
              + "; got "
              + layout);
    }
  }

  private void check(int index, Slice slice) {
    if (slice.lease().slab() != slab) {
      throw invalid(index, "lies in another slab than slice 0");
    }
    if (slice.count() < 1
        || slice.from() < 0
        || slice.count() > slice.ids().length - slice.from()) {
      throw invalid(
          index,
          "has tokens %d + %d of %d ids"
              .formatted(slice.from(), slice.count(), slice.ids().length));
    }
    int start = slice.lease().numComputedTokens();
    if (slice.count() > config.contextLength() - start) {
      throw invalid(
          index,
          "has position %d beyond the context of %d tokens"
              .formatted(start + slice.count() - 1L, config.contextLength()));
    }
    for (int i = slice.from(); i < slice.from() + slice.count(); i++) {
      int id = slice.ids()[i];
      if (id < 0 || id >= config.vocabSize()) {
        throw invalid(
            index,
            "has id %d at %d outside the vocabulary of %d".formatted(id, i, config.vocabSize()));
      }
    }
  }

  private static IllegalArgumentException invalid(int index, String why) {
    return new IllegalArgumentException("slice " + index + " " + why);
  }
}
