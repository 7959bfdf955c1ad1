package dev.slabstream.cli;

import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// One run of the command line in this process, and what came of it.
///
/// @param exitCode empty when it serves
/// @param springArguments what the service would have been started with
record Run(OptionalInt exitCode, String out, String err, List<String> springArguments) {
  static Run of(String... args) {
    return withInput("", args);
  }

  static Run withInput(String input, String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    List<String> springArguments = new ArrayList<>();
    Console console =
        new Console(
            new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
            new PrintWriter(out),
            new PrintWriter(err),
            false);
    OptionalInt exitCode =
        new CommandLineInterface(console, given -> springArguments.addAll(List.of(given)))
            .run(args);
    return new Run(exitCode, out.toString(), err.toString(), springArguments);
  }

  JsonNode json() {
    return JsonMapper.shared().readTree(out);
  }
}
