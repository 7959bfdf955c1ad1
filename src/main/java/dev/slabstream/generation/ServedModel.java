package dev.slabstream.generation;

import java.util.Arrays;

/// What a request has to fit into: the facts about the model and its slab that validation needs.
///
/// @param contextLength the most positions the model was made for
/// @param slabTokens the most positions that one sequence can lease, the whole slab being free
/// @param vocabSize entries of a row of logits; ids are below it
/// @param eosIds the ids that end a text; may be empty
public record ServedModel(int contextLength, int slabTokens, int vocabSize, int[] eosIds) {
  public ServedModel {
    if (contextLength < 2 || slabTokens < 2 || vocabSize < 1) {
      throw new IllegalArgumentException(
          "contextLength and slabTokens must be at least 2, vocabSize at least 1; got %d, %d, %d"
              .formatted(contextLength, slabTokens, vocabSize));
    }
    eosIds = eosIds.clone();
    for (int id : eosIds) {
      if (id < 0 || id >= vocabSize) {
        throw new IllegalArgumentException(
            "eosIds must be within [0, %d); got %s".formatted(vocabSize, Arrays.toString(eosIds)));
      }
    }
  }

  @Override
  public int[] eosIds() {
    return eosIds.clone();
  }

  /// Prompt and new tokens of one request at most.
  public int maxTotalTokens() {
    return Math.min(contextLength, slabTokens);
  }

  boolean isEos(int id) {
    for (int eos : eosIds) {
      if (eos == id) {
        return true;
      }
    }
    return false;
  }

  /// What sets that limit, for messages.
  String limitName() {
    return slabTokens < contextLength ? "the KV slab" : "the model's context";
  }
}
