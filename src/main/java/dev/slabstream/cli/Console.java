package dev.slabstream.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/// Where a command reads from and writes to: results to `out`, messages to `err`, UTF-8 whatever
/// the locale.
///
/// @param ownsProcess whether logging, which the whole process shares, is the command's to set
public record Console(InputStream in, PrintWriter out, PrintWriter err, boolean ownsProcess) {
  /// The process's own.
  public static Console ofProcess() {
    return new Console(System.in, writer(FileDescriptor.out), writer(FileDescriptor.err), true);
  }

  private static PrintWriter writer(FileDescriptor descriptor) {
    return new PrintWriter(new FileOutputStream(descriptor), false, StandardCharsets.UTF_8);
  }

  /// All of the input, as text.
  String readAll() {
    try {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("the standard input cannot be read", e);
    }
  }

  /// Flushes what was written, and tells whether somebody still reads it: false after `| head` has
  /// ended.
  boolean isRead() {
    return !out.checkError();
  }
}
