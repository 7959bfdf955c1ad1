package dev.slabstream.weights;

import dev.slabstream.tensor.Tensor;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/// The weights and the description of one model on disk, opened: a GGUF file, or a Hugging Face
/// folder.
///
/// Opening parses and checks everything that can be checked without reading the weights themselves,
/// and maps the files. Tensors and the metadata are views of the mapping and die with [#close()].
/// Any thread may read.
public interface Checkpoint extends AutoCloseable {
  /// Opens a `.gguf` file, or a folder with `config.json` and `*.safetensors`.
  ///
  /// @throws MalformedModelException when it is missing, unreadable or malformed
  static Checkpoint open(Path path) {
    return Checkpoints.open(path);
  }

  enum Format {
    GGUF,
    HUGGING_FACE
  }

  Path path();

  Format format();

  /// GGUF: the file's key-value pairs. Hugging Face: `config.json`.
  Metadata metadata();

  /// A JSON file beside the weights: `generation_config.json`, `tokenizer_config.json`. Always
  /// empty for GGUF.
  ///
  /// @throws MalformedModelException when it is there and is no JSON object, or is too large
  Optional<Metadata> sibling(String fileName);

  /// The text of a file beside the weights: `tokenizer.json`, `chat_template.jinja`. Always empty
  /// for GGUF.
  Optional<byte[]> siblingBytes(String fileName);

  /// All weights by their name in the file, in file order. Their bytes need not be aligned to the
  /// element: read them with unaligned layouts. What a Hugging Face file holds beside weights
  /// (causal masks, rotary tables, integers, more than two dimensions) is checked and left out.
  Map<String, Tensor> tensors();

  /// A matrix `[rows, cols]`, or a vector (`rows` 1).
  ///
  /// @throws MalformedModelException when it is missing or has another shape
  Tensor require(String name, long rows, long cols);

  @Override
  void close();
}
