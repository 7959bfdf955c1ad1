package dev.slabstream.tensor;

/// JavaCPP's limits on memory, under ND4J.
///
/// By default they bound the resident memory of the whole process to a multiple of the Java heap, weights and page cache included:
/// far below what a slab needs. Our memory is bounded by its own plan, so the limits go.
public final class JavaCppLimits {
  private JavaCppLimits() {}

  /// Lifts the limits, unless somebody set them by hand. They are read when JavaCPP's first class loads: call before ND4J is touched.
  public static void lift() {
    setIfAbsent("org.bytedeco.javacpp.maxbytes");
    setIfAbsent("org.bytedeco.javacpp.maxphysicalbytes");
  }

  private static void setIfAbsent(String property) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, "0");
    }
  }
}
