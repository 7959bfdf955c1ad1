package dev.slabstream.generation;

/// Who begins with what whose requests have computed.
public enum PrefixCacheScope {
  /// A session with its own earlier requests; what it leaves goes with it. Requests without a session share nothing.
  SESSION,
  /// All with all. Who measures how long a first token takes can find out what others asked.
  GLOBAL,
  /// Nobody.
  OFF
}
