package dev.slabstream;

import dev.slabstream.cli.CommandLineInterface;
import dev.slabstream.cli.Console;
import java.util.OptionalInt;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/// The service as a process; or, if the arguments name another command, that command, without Spring.
@SpringBootApplication
public class SlabstreamApplication {
  /// Runs it until it is told to stop.
  public static void main(String[] args) {
    OptionalInt exitCode =
        new CommandLineInterface(
                Console.ofProcess(),
                springArgs -> SpringApplication.run(SlabstreamApplication.class, springArgs))
            .run(args);
    if (exitCode.isPresent()) {
      System.exit(exitCode.getAsInt());
    }
  }
}
