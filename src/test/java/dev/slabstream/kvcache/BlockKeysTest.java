package dev.slabstream.kvcache;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BlockKeysTest {
  private final CacheScope scope = new CacheScope();

  private static BlockKeys keys(CacheScope scope, int blockTokens, int... ids) {
    BlockKeys keys = new BlockKeys(scope, blockTokens, ids.length);
    keys.extend(ids, ids.length);
    return keys;
  }

  @Test
  void aKeyIsTheHashOfTheKeyBeforeAndTheTokensOfTheBlock() throws Exception {
    int[] ids = new SplittableRandom(1).ints(40, 0, 1 << 20).toArray();
    BlockKeys keys = keys(scope, 16, ids);
    assertThat(keys.size()).isEqualTo(2);
    ByteBuffer input = ByteBuffer.allocate(96);
    BlockKey first = keys.get(0);
    input.putLong(first.a()).putLong(first.b()).putLong(first.c()).putLong(first.d());
    for (int i = 16; i < 32; i++) {
      input.putInt(ids[i]);
    }
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(input.array());
    assertThat(keys.get(1)).isEqualTo(BlockKeys.read(ByteBuffer.wrap(hash)));
  }

  @Test
  void keysThatGrowEqualThoseMadeAtOnce() {
    int[] ids = new SplittableRandom(2).ints(100, 0, 50_000).toArray();
    BlockKeys whole = keys(scope, 16, ids);
    BlockKeys grown = new BlockKeys(scope, 16, 100);
    for (int n = 1; n <= 100; n++) {
      grown.extend(ids, n);
      assertThat(grown.size()).isEqualTo(n / 16);
    }
    for (int i = 0; i < 6; i++) {
      assertThat(grown.get(i)).isEqualTo(whole.get(i));
    }
  }

  /// Also those that a hash of too little would confuse: a token moved over the edge of a block, ids of other bytes.
  @Test
  void whatDiffersAnywhereBeforeTheEndOfABlockHasAnotherKey() {
    Set<BlockKey> keys = new HashSet<>();
    SplittableRandom random = new SplittableRandom(3);
    int[] ids = random.ints(32, 0, 50_000).toArray();
    keys.add(keys(scope, 16, ids).get(1));
    for (int i = 0; i < 32; i++) {
      for (int bit = 0; bit < 32; bit++) {
        int[] other = ids.clone();
        other[i] ^= 1 << bit;
        keys.add(keys(scope, 16, other).get(1));
      }
    }
    keys.add(keys(new CacheScope(), 16, ids).get(1));
    assertThat(keys).hasSize(1 + 32 * 32 + 1);
  }
}
