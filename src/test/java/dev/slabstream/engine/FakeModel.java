package dev.slabstream.engine;

import dev.slabstream.kernel.Kernels.LogitsSummary;
import dev.slabstream.model.ForwardCost;
import dev.slabstream.model.LanguageModel;
import dev.slabstream.model.LogitsFor;
import dev.slabstream.model.LogitsSink;
import dev.slabstream.model.ModelConfig;
import dev.slabstream.model.Slice;
import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/// A model with a cache of one number per position: the token id, written to its place in the slab. The logits after a position are
/// a function of all ids it sees, read back from the slab, so a token depends on its own sequence alone, and on all of it, exactly
/// as in a real model. A position that its sequence has not written holds NaN, and reading it fails the test.
///
/// The token after a position is [#after]; its logit is 2 and all others are 0.
final class FakeModel implements LanguageModel {
  static final int VOCAB_SIZE = 50;

  /// A prompt with this id makes NaN logits from its position on.
  static final int POISON_ID = 49;

  static final float LOG_SUM_EXP = (float) StrictMath.log(StrictMath.exp(2) + VOCAB_SIZE - 1);

  private final ModelConfig config;
  private final List<Computed> steps = new ArrayList<>();
  boolean recording = true;

  /// Runs at the start of every forward pass.
  Runnable before = () -> {};

  /// Lets the time pass that a forward pass takes.
  Consumer<List<Slice>> duration = batch -> {};

  /// How many layers it makes believe, and what runs in each.
  int numLayers = 1;

  Runnable inLayer = () -> {};

  boolean forgetsLogits;

  FakeModel(int contextLength, int window) {
    config =
        new ModelConfig(
            ModelConfig.Architecture.LLAMA,
            "fake",
            1,
            16,
            1,
            1,
            16,
            16,
            VOCAB_SIZE,
            contextLength,
            1e-5f,
            10000f,
            new float[0],
            window,
            0);
  }

  /// What a forward pass was asked for: a line per slice.
  record Computed(List<String> slices) {}

  static KvLayout layout(int numBlocks) {
    return new KvLayout(1, numBlocks, 1, 16, 16);
  }

  /// The token that follows `ids`.
  static int after(int window, int... ids) {
    int hash = 7;
    for (int i = window == 0 ? 0 : Math.max(0, ids.length - window); i < ids.length; i++) {
      hash = 31 * hash + ids[i] + 1;
    }
    return Math.floorMod(hash, POISON_ID);
  }

  /// `count` tokens that greedy sampling gives after `prompt`.
  static int[] continuation(int window, int[] prompt, int count) {
    int[] ids = prompt;
    for (int i = 0; i < count; i++) {
      ids = Arrays.copyOf(ids, ids.length + 1);
      ids[ids.length - 1] = after(window, Arrays.copyOf(ids, ids.length - 1));
    }
    return Arrays.copyOfRange(ids, prompt.length, ids.length);
  }

  /// The slices of the last step: `from+count logitsFor [block table]`, and forgets all steps.
  List<String> takeLastStep() {
    List<String> last = steps.getLast().slices();
    steps.clear();
    return last;
  }

  int numSteps() {
    return steps.size();
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public ForwardCost cost() {
    throw new UnsupportedOperationException("nothing is computed");
  }

  @Override
  public void forward(List<Slice> batch, LogitsSink sink) {
    if (recording) {
      steps.add(new Computed(batch.stream().map(FakeModel::describe).toList()));
    }
    before.run();
    duration.accept(batch);
    for (int layer = 0; layer < numLayers; layer++) {
      inLayer.run();
      sink.layerDone();
    }
    for (int i = 0; i < batch.size(); i++) {
      Slice slice = batch.get(i);
      store(slice);
      if (!forgetsLogits) {
        emit(i, slice, sink);
      }
    }
  }

  private static String describe(Slice slice) {
    return "%d+%d %s %s"
        .formatted(
            slice.from(),
            slice.count(),
            slice.logits(),
            Arrays.toString(slice.lease().blockTable()));
  }

  private static void store(Slice slice) {
    for (int position = slice.from(); position < slice.from() + slice.count(); position++) {
      segment(slice).set(ValueLayout.JAVA_FLOAT, offset(slice, position), slice.ids()[position]);
    }
  }

  private void emit(int index, Slice slice, LogitsSink sink) {
    int first = slice.logits() == LogitsFor.ALL ? 0 : slice.count() - 1;
    int end = slice.logits() == LogitsFor.NONE ? first : slice.count();
    for (int token = first; token < end; token++) {
      int[] ids = visibleIds(slice, slice.from() + token);
      int next = after(0, ids);
      boolean finite = Arrays.stream(ids).noneMatch(id -> id == POISON_ID);
      // Rows begin somewhere in the array, as the real ones do.
      float[] logits = new float[VOCAB_SIZE + 3];
      Arrays.fill(logits, 0, 3, Float.NaN);
      logits[3 + next] = finite ? 2f : Float.NaN;
      sink.accept(index, token, logits, 3, new LogitsSummary(2f, next, LOG_SUM_EXP, finite));
    }
  }

  private int[] visibleIds(Slice slice, int position) {
    int window = config.slidingWindow();
    int first = window == 0 ? 0 : Math.max(0, position - window + 1);
    int[] ids = new int[position - first + 1];
    for (int i = 0; i < ids.length; i++) {
      float id = segment(slice).get(ValueLayout.JAVA_FLOAT, offset(slice, first + i));
      if (Float.isNaN(id)) {
        throw new IllegalStateException("position " + (first + i) + " was never written");
      }
      ids[i] = (int) id;
    }
    return ids;
  }

  private static MemorySegment segment(Slice slice) {
    return slice.lease().slab().segment();
  }

  private static long offset(Slice slice, int position) {
    int block = slice.lease().blockTable()[position / 16];
    return slice.lease().slab().layout().keyOffset(0, block, 0) + position % 16 * Float.BYTES;
  }

  @Override
  public void close() {}
}
