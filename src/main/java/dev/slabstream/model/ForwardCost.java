package dev.slabstream.model;

import dev.slabstream.kernel.PackedMatrix;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/// What a forward pass takes, counted from the weights it uses: what a measured speed is held
/// against.
///
/// Counted are the matrix products and attention, one multiply-add as two operations. Norms,
/// rotations, activations and softmax are left out, and so are the bytes of vectors and of looked-up
/// rows: together far below a hundredth.
///
/// @param layerWeights weights of the matrices of all layers
/// @param lastLayerTailWeights those of the last layer behind its keys and values: used only for
///     tokens whose logits are wanted
/// @param headWeights weights of the head
/// @param packedBytes bytes that one pass over layers and head reads, as they lie in memory
public record ForwardCost(
    ModelConfig config,
    long layerWeights,
    long lastLayerTailWeights,
    long headWeights,
    long packedBytes) {

  static ForwardCost of(ModelConfig config, Weights weights) {
    return new ForwardCost(
        config,
        weights.layers().stream()
            .flatMap(Weights.Layer::matrices)
            .mapToLong(ForwardCost::size)
            .sum(),
        weights.layers().getLast().tailMatrices().mapToLong(ForwardCost::size).sum(),
        size(weights.head()),
        weights.head().packedBytes()
            + weights.layers().stream()
                .flatMap(Weights.Layer::matrices)
                .mapToLong(PackedMatrix::packedBytes)
                .sum());
  }

  /// Operations of `count` tokens of one sequence that follow `start` others, the last `numWanted`
  /// of them with logits.
  public long flops(int start, int count, int numWanted) {
    long products =
        count * layerWeights - (count - numWanted) * lastLayerTailWeights + numWanted * headWeights;
    int last = config.numLayers() - 1;
    long pairs =
        seen(IntStream.range(0, last), start, count)
            + seen(IntStream.of(last), start + count - numWanted, numWanted);
    // A query times a key, and a weight times a value, of each head.
    return 2 * products + 4 * pairs * config.numHeads() * config.headDim();
  }

  /// How many positions `count` tokens after `start` others look at, themselves included, over all
  /// tokens and layers.
  public long positionsSeen(int start, int count) {
    return seen(IntStream.range(0, config.numLayers()), start, count);
  }

  private long seen(IntStream layers, int start, int count) {
    return layers
        .mapToLong(
            layer -> {
              int window = config.windowOf(layer);
              long most = window == 0 ? Long.MAX_VALUE : window;
              return LongStream.rangeClosed(start + 1L, (long) start + count)
                  .map(positions -> Math.min(positions, most))
                  .sum();
            })
        .sum();
  }

  private static long size(PackedMatrix matrix) {
    return (long) matrix.rows() * matrix.cols();
  }
}
