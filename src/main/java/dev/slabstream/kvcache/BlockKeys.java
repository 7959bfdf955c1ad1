package dev.slabstream.kvcache;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/// The keys of the full blocks of one sequence, in order; grows with it.
///
/// ```
/// key[-1] = the scope's salt
/// key[i]  = SHA-256(key[i - 1], ids of block i)
/// ```
///
/// So one key says what all tokens up to the end of its block are, and in which scope. Two sequences have the same key where they
/// have the same beginning, and nowhere else, but for a collision of 256 bits.
///
/// Used by one thread at a time. Allocates a key of some 100 bytes for each block.
public final class BlockKeys {
  private static final int KEY_BYTES = 4 * Long.BYTES;

  private final CacheScope scope;
  private final int blockTokens;
  private final MessageDigest sha256 = sha256();
  private final ByteBuffer input;
  private final BlockKey[] keys;
  private int numKeys;

  /// @param maxTokens tokens that the sequence comes to have at most
  public BlockKeys(CacheScope scope, int blockTokens, int maxTokens) {
    this.scope = scope;
    this.blockTokens = blockTokens;
    input = ByteBuffer.allocate(KEY_BYTES + blockTokens * Integer.BYTES);
    keys = new BlockKey[maxTokens / blockTokens];
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /// Makes the keys of the blocks that are full with the first `numTokens` of `ids`, as far as they are not there yet.
  ///
  /// @param ids the sequence's, the same as before and more
  public void extend(int[] ids, int numTokens) {
    while (numKeys < numTokens / blockTokens) {
      BlockKey parent = numKeys == 0 ? scope.salt() : keys[numKeys - 1];
      input.clear();
      input.putLong(parent.a()).putLong(parent.b()).putLong(parent.c()).putLong(parent.d());
      int first = numKeys * blockTokens;
      for (int i = first; i < first + blockTokens; i++) {
        input.putInt(ids[i]);
      }
      keys[numKeys] = read(ByteBuffer.wrap(sha256.digest(input.array())));
      numKeys++;
    }
  }

  static BlockKey read(ByteBuffer bytes) {
    return new BlockKey(bytes.getLong(), bytes.getLong(), bytes.getLong(), bytes.getLong());
  }

  /// Whether `other` has the same tokens up to the end of its block `index`, in the same scope, as far as both have keys.
  public boolean matches(BlockKeys other, int index) {
    return index < numKeys && index < other.numKeys && keys[index].equals(other.keys[index]);
  }

  CacheScope scope() {
    return scope;
  }

  /// Blocks that have a key.
  int size() {
    return numKeys;
  }

  BlockKey get(int index) {
    return keys[index];
  }
}
