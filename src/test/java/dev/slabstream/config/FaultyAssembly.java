package dev.slabstream.config;

import dev.slabstream.generation.FaultyTokenizer;
import dev.slabstream.kernel.FaultyKernels;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.kernel.Kernels;
import dev.slabstream.tokenizer.Tokenizer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;

/// Makes the service out of its settings, but over kernels and a tokenizer with
/// faults in them.
final class FaultyAssembly extends ServiceAssembly {
  private final FaultyKernels faults;
  private volatile @Nullable FaultyTokenizer tokenizer;

  FaultyAssembly(SlabstreamProperties properties, FaultyKernels faults) {
    super(properties, "test");
    this.faults = faults;
  }

  @Override
  Kernels openKernels(KernelSettings settings) {
    return faults.over(super.openKernels(settings));
  }

  @Override
  Tokenizer tokenizer(LoadedModel loaded) {
    FaultyTokenizer faulty = new FaultyTokenizer(super.tokenizer(loaded));
    tokenizer = faulty;
    return faulty;
  }

  FaultyTokenizer faultyTokenizer() {
    return Objects.requireNonNull(tokenizer, "not ready yet");
  }

  static class Beans {
    @Bean
    FaultyKernels faultyKernels() {
      return new FaultyKernels();
    }

    @Bean
    ServiceAssembly serviceAssembly(SlabstreamProperties properties, FaultyKernels faults) {
      return new FaultyAssembly(properties, faults);
    }
  }
}
