package dev.slabstream.config;

import dev.slabstream.kernel.FaultyKernels;
import dev.slabstream.kernel.KernelSettings;
import dev.slabstream.kernel.Kernels;
import org.springframework.context.annotation.Bean;

/// Makes the service out of its settings, but over kernels with faults in them.
final class FaultyAssembly extends ServiceAssembly {
  private final FaultyKernels faults;

  FaultyAssembly(SlabstreamProperties properties, FaultyKernels faults) {
    super(properties, "test");
    this.faults = faults;
  }

  @Override
  Kernels openKernels(KernelSettings settings) {
    return faults.over(super.openKernels(settings));
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
