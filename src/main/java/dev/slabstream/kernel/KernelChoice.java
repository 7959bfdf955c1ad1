package dev.slabstream.kernel;

import dev.slabstream.kernel.nd4j.Nd4jKernels;
import java.lang.System.Logger.Level;
import java.lang.reflect.InvocationTargetException;

/// Chooses the backend, once at start, and says why.
final class KernelChoice {
  private static final System.Logger LOG = System.getLogger(KernelChoice.class.getName());
  private static final String VECTOR_MODULE = "jdk.incubator.vector";
  private static final String VECTOR_FLAG = "--add-modules=" + VECTOR_MODULE;

  /// Loaded by name: the classes behind it do not link in a JVM without the vector module.
  private static final String VECTOR_BACKEND = "dev.slabstream.kernel.vector.VectorBackend";

  private KernelChoice() {}

  static Kernels open(KernelSettings settings) {
    Kernels kernels =
        switch (settings.backend()) {
          case AUTO ->
              hasVectorModule()
                  ? vector(settings, "chosen automatically: the vector module is there")
                  : withoutModule(settings);
          case VECTOR -> requiredVector(settings);
          case SCALAR -> scalar(settings, "asked for by the settings");
          case ND4J -> nd4j(settings);
        };
    KernelInfo info = kernels.info();
    LOG.log(
        Level.INFO,
        "Kernels: {0}, vector bits {1}, threads {2} ({3})",
        info.backend(),
        info.vectorBits(),
        info.threads(),
        info.reason());
    return kernels;
  }

  private static boolean hasVectorModule() {
    return ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
  }

  private static Kernels withoutModule(KernelSettings settings) {
    String reason = "the vector module is missing: start the JVM with " + VECTOR_FLAG;
    LOG.log(Level.WARNING, "Computing without SIMD, many times slower: {0}", reason);
    return scalar(settings, reason);
  }

  private static Kernels requiredVector(KernelSettings settings) {
    if (!hasVectorModule()) {
      throw new IllegalStateException(
          "kernel backend VECTOR needs the vector module: start the JVM with " + VECTOR_FLAG);
    }
    return vector(settings, "asked for by the settings");
  }

  private static Kernels scalar(KernelSettings settings, String reason) {
    return panels(settings, KernelBackend.SCALAR, new ScalarMath(), reason);
  }

  private static Kernels vector(KernelSettings settings, String reason) {
    return panels(settings, KernelBackend.VECTOR, vectorMath(settings), reason);
  }

  private static Kernels nd4j(KernelSettings settings) {
    try {
      return Nd4jKernels.open(settings.threads());
    } catch (LinkageError e) {
      throw new IllegalStateException(
          "kernel backend ND4J has no usable native library for "
              + System.getProperty("os.name")
              + " "
              + System.getProperty("os.arch"),
          e);
    }
  }

  /// The arithmetic behind `info`; of ND4J, whose own cannot be called, that of the machine's widest vectors.
  static PanelMath mathOf(KernelInfo info) {
    return info.backend() == KernelBackend.SCALAR || !hasVectorModule()
        ? new ScalarMath()
        : vectorMath(new KernelSettings(KernelBackend.VECTOR, info.vectorBits(), info.threads()));
  }

  private static PanelMath vectorMath(KernelSettings settings) {
    try {
      Class<?> backend = Class.forName(VECTOR_BACKEND);
      return (PanelMath)
          backend
              .getMethod("open", int.class, int.class)
              .invoke(null, settings.vectorBits(), settings.threads());
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException("the vector backend cannot start", e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("the vector backend cannot be loaded", e);
    }
  }

  private static Kernels panels(
      KernelSettings settings, KernelBackend backend, PanelMath math, String reason) {
    return new PanelKernels(
        new KernelInfo(backend, math.vectorBits(), settings.threads(), true, reason), math);
  }
}
