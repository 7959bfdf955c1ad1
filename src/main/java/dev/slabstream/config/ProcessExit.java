package dev.slabstream.config;

/// Ends the process. An interface, so that a test can see it happen and live.
@FunctionalInterface
interface ProcessExit {
  /// The model could not be brought up.
  int STARTUP_FAILED = 1;

  /// What the JVM guarantees is in doubt (`EX_SOFTWARE` of sysexits).
  int FATAL = 70;

  /// Returns at once. The process ends on a thread of its own, since the shutdown waits for the
  /// threads that may call this.
  void exit(int code);

  /// The exit of a service.
  static ProcessExit real() {
    return code -> Thread.ofPlatform().name("slabstream-exit").start(() -> System.exit(code));
  }
}
