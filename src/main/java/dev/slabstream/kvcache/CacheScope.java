package dev.slabstream.kvcache;

import java.nio.ByteBuffer;
import java.security.SecureRandom;

/// Within what cached blocks are shared: a session, or all that a process serves. Has nothing but its identity and a random salt that
/// goes into every [BlockKey], so that the keys of two scopes differ even where their tokens are the same, and nobody can make one.
///
/// Thread-safe; lives until it is closed.
public final class CacheScope {
  private static final SecureRandom RANDOM = new SecureRandom();

  private final BlockKey salt = randomKey();
  private volatile boolean closed;

  private static BlockKey randomKey() {
    byte[] bytes = new byte[4 * Long.BYTES];
    RANDOM.nextBytes(bytes);
    return BlockKeys.read(ByteBuffer.wrap(bytes));
  }

  /// What the key of a sequence's first block is made of, in the place of a key before it.
  BlockKey salt() {
    return salt;
  }

  /// From now on no block is published in it. Those that are go with [KvSlab#forgetClosedScopes()].
  public void close() {
    closed = true;
  }

  boolean isClosed() {
    return closed;
  }
}
