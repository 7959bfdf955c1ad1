package dev.slabstream.model;

import dev.slabstream.weights.Checkpoint;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;

/// Keeps count of what was read of a checkpoint: a line in the log every other second, and at the
/// end one that says how long it took and what was left over.
final class LoadProgress {
  private static final Logger LOG = System.getLogger(LanguageModel.class.getName());
  private static final long SILENCE_NANOS = Duration.ofSeconds(2).toNanos();
  private static final int MAX_SHOWN_NAMES = 8;

  private final Checkpoint checkpoint;
  private final long totalBytes;
  private final Set<String> unread;
  private final long startNanos = System.nanoTime();
  private long lastLineNanos = startNanos;
  private long readBytes;

  LoadProgress(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    this.totalBytes =
        checkpoint.tensors().values().stream().mapToLong(t -> t.data().byteSize()).sum();
    this.unread = new TreeSet<>(checkpoint.tensors().keySet());
    this.unread.removeIf(LoadProgress::isBuffer);
  }

  /// @throws CancellationException when the loading thread was interrupted: nobody wants the model any
  ///     more
  void read(String tensor, long bytes) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("loading was interrupted");
    }
    unread.remove(tensor);
    readBytes += bytes;
    long now = System.nanoTime();
    if (now - lastLineNanos >= SILENCE_NANOS) {
      lastLineNanos = now;
      LOG.log(
          Level.INFO,
          "Packing weights: {0} of {1} MB",
          megabytes(readBytes),
          megabytes(totalBytes));
    }
  }

  /// A tensor that is left out on purpose.
  void skip(String tensor) {
    unread.remove(tensor);
  }

  void finish(ModelConfig config) {
    LOG.log(
        Level.INFO,
        "Loaded {0} ({1}, {2} layers) from {3}: {4} MB packed in {5} s",
        config.name(),
        config.architecture().name().toLowerCase(Locale.ROOT),
        config.numLayers(),
        checkpoint.path(),
        megabytes(readBytes),
        String.format(Locale.ROOT, "%.2f", (System.nanoTime() - startNanos) / 1e9));
    if (!unread.isEmpty()) {
      LOG.log(
          Level.WARNING,
          "{0}: {1} tensors are not part of this architecture and were ignored: {2}{3}",
          checkpoint.path(),
          unread.size(),
          String.join(", ", unread.stream().limit(MAX_SHOWN_NAMES).toList()),
          unread.size() > MAX_SHOWN_NAMES ? ", …" : "");
    }
  }

  /// Masks and frequencies: computed, not learned, and carried along by old checkpoints.
  /// `rope_freqs` is a part of the configuration.
  private static boolean isBuffer(String name) {
    return name.endsWith(".attn.bias")
        || name.endsWith(".attn.masked_bias")
        || name.endsWith(".rotary_emb.inv_freq")
        || name.equals("rope_freqs.weight");
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f", bytes / 1e6);
  }
}
