package dev.slabstream.config;

import dev.slabstream.SlabstreamApplication;
import dev.slabstream.kernel.FaultyKernels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.ContextRefreshedEvent;

/// The service as a process for tests of its life: a tiny model that is as slow as a large one, and
/// hangs in a layer while a file is there.
public final class SlowService {
  /// System properties: how long a layer takes, as a [Duration], and the file that makes it hang.
  public static final String LAYER_TIME = "test.layer-time";

  public static final String HANG_FILE = "test.hang-file";

  /// What every layer of the model calls once.
  private static final String IN_LAYER = "swiGlu";

  private SlowService() {}

  public static void main(String[] arguments) {
    new SpringApplicationBuilder(
            FaultyAssembly.Beans.class, Slow.class, SlabstreamApplication.class)
        .run(arguments);
  }

  static final class Slow {
    @Bean
    ApplicationListener<ContextRefreshedEvent> slow(FaultyKernels kernels) {
      Duration layerTime = Duration.parse(System.getProperty(LAYER_TIME));
      Path hangFile = Path.of(System.getProperty(HANG_FILE));
      return _ ->
          kernels.before(
              (operation, _) -> {
                if (operation.equals(IN_LAYER)) {
                  LockSupport.parkNanos(layerTime.toNanos());
                  while (Files.exists(hangFile)) {
                    LockSupport.parkNanos(1_000_000);
                  }
                }
              });
    }
  }
}
