package dev.slabstream.model;

import java.util.Map;

/// How a format calls the tensors that GGUF calls `token_embd`, `blk.N.attn_q` and so on; with
/// `.weight` or `.bias` behind it.
///
/// @param names GGUF's name, without the layer, to the other one; a name that is not in it is the
///     same
/// @param layers what stands before the number of a layer
/// @param conv1d whether linear maps are stored inputs by outputs (GPT-2 in Hugging Face files)
record TensorNames(Map<String, String> names, String layers, boolean conv1d) {
  static final TensorNames GGUF = new TensorNames(Map.of(), "blk.", false);

  TensorNames {
    names = Map.copyOf(names);
  }

  String of(String layerPrefix, String name) {
    return layerPrefix + names.getOrDefault(name, name);
  }
}
