package dev.slabstream.model;

import dev.slabstream.kernel.Kernels;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The forward pass of every model here.
final class Transformer implements LanguageModel {
  private final ModelConfig config;
  private final Kernels kernels;
  private final ForwardCost cost;
  private final Batch batch;
  private final @Nullable RotaryTable rotary;
  private @Nullable Weights weights;
  private Activations a;

  Transformer(ModelConfig config, Weights weights, Kernels kernels) {
    this.config = config;
    this.kernels = kernels;
    this.weights = weights;
    this.cost = ForwardCost.of(config, weights);
    this.batch = new Batch(config);
    this.a = new Activations(config);
    this.rotary =
        config.architecture() == ModelConfig.Architecture.GPT2 ? null : new RotaryTable(config);
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public ForwardCost cost() {
    return cost;
  }

  @Override
  public void forward(List<Slice> slices, LogitsSink sink) {
    if (weights == null) {
      throw new IllegalStateException("the model is closed");
    }
    if (slices.isEmpty()) {
      return;
    }
    try {
      batch.begin(slices);
      forward(weights, slices, sink);
    } finally {
      batch.end();
    }
  }

  private void forward(Weights weights, List<Slice> slices, LogitsSink sink) {
    int n = batch.numTokens();
    int dim = config.embeddingDim();
    a.ensure(n);
    weights.embedding().apply(kernels, batch, a.x, a.block);
    if (rotary != null) {
      rotary.fill(batch.positions(), n, a.cos, a.sin);
    }
    List<Weights.Layer> layers = weights.layers();
    for (int l = 0; l < layers.size(); l++) {
      Weights.Layer layer = layers.get(l);
      SelfAttention attention = layer.attention();

      layer.attentionNorm().apply(kernels, a.x, a.block, n);
      attention.project(kernels, a.block, a, n);
      attention.store(kernels, a, batch, l);
      if (l == layers.size() - 1) {
        // Of the last layer later tokens need keys and values only; the rest of it just for those
        // whose logits are wanted.
        n = batch.keepWanted(slices, a);
        if (n == 0) {
          return;
        }
      }
      attention.attend(kernels, a.block, a, batch, l, n);
      kernels.add(a.x, a.block, n * dim);

      layer.feedForwardNorm().apply(kernels, a.x, a.block, n);
      layer.feedForward().apply(kernels, a.block, a.block, a, n);
      kernels.add(a.x, a.block, n * dim);
      sink.layerDone();
    }
    emit(weights, slices, n, sink);
  }

  /// Computes the logits of the `n` rows in `a.x`, a tile at a time, and hands them out.
  private void emit(Weights weights, List<Slice> slices, int n, LogitsSink sink) {
    int vocabSize = config.vocabSize();
    a.ensureLogits(Math.min(n, Activations.HEAD_TILE));
    int row = 0;
    for (int s = 0; s < slices.size(); s++) {
      Slice slice = slices.get(s);
      for (int token = slice.count() - slice.numWanted(); token < slice.count(); token++) {
        int rowInTile = row % Activations.HEAD_TILE;
        if (rowInTile == 0) {
          computeLogits(weights, row, Math.min(n - row, Activations.HEAD_TILE));
        }
        int offset = rowInTile * vocabSize;
        sink.accept(s, token, a.logits, offset, kernels.summarize(a.logits, offset, vocabSize));
        row++;
      }
    }
  }

  private void computeLogits(Weights weights, int firstRow, int numRows) {
    int dim = config.embeddingDim();
    System.arraycopy(a.x, firstRow * dim, a.headInput, 0, numRows * dim);
    weights.outputNorm().apply(kernels, a.headInput, a.headInput, numRows);
    kernels.matmul(weights.head(), a.headInput, a.logits, numRows);
  }

  @Override
  public void close() {
    weights = null;
    a = new Activations(config);
  }
}
