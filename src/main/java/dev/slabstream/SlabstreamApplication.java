package dev.slabstream;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/// The service as a process.
@SpringBootApplication
public class SlabstreamApplication {
  /// Runs it until it is told to stop.
  public static void main(String[] args) {
    SpringApplication.run(SlabstreamApplication.class, args);
  }
}
