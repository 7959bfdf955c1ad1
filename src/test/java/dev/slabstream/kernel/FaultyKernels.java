package dev.slabstream.kernel;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/// Real kernels with a fault in them, when a test says so. The hooks may throw, hang, wait, or spoil
/// what was computed. Thread-safe; the hooks run on the thread that computes.
public final class FaultyKernels {
  /// What goes wrong.
  @FunctionalInterface
  public interface Fault {
    /// Nothing does.
    Fault NONE = (_, _) -> {};

    /// @param operation name of the method of [Kernels]
    /// @param arguments of the call, `null` when it has none
    void on(String operation, Object[] arguments);
  }

  private volatile Fault before = Fault.NONE;
  private volatile Fault after = Fault.NONE;

  /// From now on this happens before every operation.
  public void before(Fault fault) {
    before = fault;
  }

  /// From now on this happens after every operation.
  public void after(Fault fault) {
    after = fault;
  }

  /// All is well again.
  public void mend() {
    before = Fault.NONE;
    after = Fault.NONE;
  }

  /// Kernels that compute as `real` does, and close it when they are closed.
  public Kernels over(Kernels real) {
    return (Kernels)
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(),
            new Class<?>[] {Kernels.class},
            (_, method, arguments) -> call(real, method, arguments));
  }

  private Object call(Kernels real, Method method, Object[] arguments) throws Throwable {
    before.on(method.getName(), arguments);
    Object result;
    try {
      result = method.invoke(real, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
    after.on(method.getName(), arguments);
    return result;
  }
}
