package dev.slabstream.cli;

import dev.slabstream.kernel.KernelBackend;
import dev.slabstream.kernel.KernelSettings;
import java.util.Map;
import picocli.CommandLine.Option;

/// What computes.
final class KernelOptions {
  private static final Map<String, Integer> VECTOR_BITS =
      Map.of("auto", 0, "128", 128, "256", 256, "512", 512);

  @Option(
      names = "--backend",
      defaultValue = "auto",
      description = "Kernels: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
  private KernelBackend backend = KernelBackend.AUTO;

  @Option(
      names = "--vector-bits",
      paramLabel = "N",
      defaultValue = "auto",
      description = "Width of a vector: auto, 128, 256 or 512. Default: ${DEFAULT-VALUE}")
  private String vectorBits = "auto";

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads that compute; 0 = all processors. Default: ${DEFAULT-VALUE}")
  private int threads;

  KernelSettings settings() {
    Integer bits = VECTOR_BITS.get(vectorBits);
    if (bits == null) {
      throw new CliException(
          CliException.USAGE, "--vector-bits must be auto, 128, 256 or 512; got " + vectorBits);
    }
    if (threads < 0 || threads > 1024) {
      throw new CliException(
          CliException.USAGE, "--threads must be from 0 to 1024; got " + threads);
    }
    return new KernelSettings(
        backend, bits, threads == 0 ? Runtime.getRuntime().availableProcessors() : threads);
  }
}
