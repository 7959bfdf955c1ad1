package dev.slabstream.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// The bytes of one file, mapped read-only. The arena it was mapped into owns them.
///
/// @param bytes the whole file
record ModelFile(Path path, MemorySegment bytes) {
  /// @throws MalformedModelException when there is no such regular file, or it cannot be read
  static ModelFile map(Path path, Arena arena) {
    if (!Files.isRegularFile(path)) {
      throw new MalformedModelException(
          path, "file", "a regular file", Files.exists(path) ? "something else" : "nothing there");
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return new ModelFile(
          path, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  static MalformedModelException unreadable(Path path, IOException cause) {
    MalformedModelException malformed =
        new MalformedModelException(path, "file", "a readable file", cause.toString());
    malformed.initCause(cause);
    return malformed;
  }
}
