package dev.slabstream.kvcache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tensor.KvLayout;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Random operations, held against [ModelSlab].
class KvSlabRandomTest {
  private static final int NUM_BLOCKS = 40;
  private static final int BLOCK_TOKENS = 16;
  private static final int MAX_TOKENS = 20 * BLOCK_TOKENS - 1;

  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final KvSlab slab = leaks.slab(new KvLayout(1, NUM_BLOCKS, 1, 4, BLOCK_TOKENS));

  /// Few scopes and few beginnings, so that much is shared; each number in memory says whose it is.
  private final class Operations {
    private final SplittableRandom random;
    private final ModelSlab model = new ModelSlab(NUM_BLOCKS, BLOCK_TOKENS);
    private final CacheScope[] scopes = {new CacheScope(), new CacheScope(), new CacheScope()};
    private final Map<CacheScope, Integer> scopeNumbers = new HashMap<>();
    private final int[][] beginnings = new int[3][];
    private int refused;
    private int hits;

    Operations(long seed) {
      random = new SplittableRandom(seed);
      for (int i = 0; i < beginnings.length; i++) {
        beginnings[i] = random.ints(MAX_TOKENS, 0, 100).toArray();
      }
    }

    void run(int count) {
      for (int i = 0; i < count; i++) {
        int choice = random.nextInt(40);
        if (choice == 0) {
          forget();
        } else if (model.open.isEmpty() || choice < 5) {
          refused += tryLease() ? 0 : 1;
        } else {
          ModelSlab.Lease lease = model.open.get(random.nextInt(model.open.size()));
          if (choice < 9 || lease.computed == lease.maxTokens()) {
            close(lease, ResetCause.values()[random.nextInt(3)]);
          } else if (choice < 15) {
            takeCached(lease);
          } else {
            compute(lease);
          }
        }
        model.check(slab);
        model.open.forEach(this::checkMemory);
      }
    }

    private void forget() {
      int which = random.nextInt(scopes.length);
      scopes[which].close();
      slab.forgetClosedScopes();
      model.forgotten();
      scopes[which] = new CacheScope();
    }

    private boolean tryLease() {
      int maxTokens = random.nextInt(1, MAX_TOKENS + 1);
      int window = random.nextBoolean() ? 0 : random.nextInt(1, 100);
      int maxChunk = random.nextInt(1, 64);
      boolean room = model.hasRoomFor(model.reserved(maxTokens, window, maxChunk));
      Optional<KvLease> lease = slab.lease(maxTokens, window, maxChunk);
      assertThat(lease.isPresent()).isEqualTo(room);
      lease.ifPresent(
          it -> {
            CacheScope scope = scopes[random.nextInt(scopes.length)];
            int[] ids = ids(maxTokens);
            BlockKeys keys = new BlockKeys(scope, BLOCK_TOKENS, maxTokens);
            var added = new ModelSlab.Lease(it, scope, ids, window, maxChunk, keys);
            knowTokens(added, random.nextInt(maxTokens + 1));
            model.open.add(added);
            takeCached(added);
          });
      return lease.isPresent();
    }

    /// One of the beginnings, and from somewhere on tokens of its own.
    private int[] ids(int count) {
      int[] ids = Arrays.copyOf(beginnings[random.nextInt(beginnings.length)], count);
      for (int i = random.nextInt(2 * MAX_TOKENS); i < count; i++) {
        ids[i] = random.nextInt(100);
      }
      return ids;
    }

    private void knowTokens(ModelSlab.Lease lease, int count) {
      lease.keys.extend(lease.ids, count);
      lease.numKeys = Math.max(lease.numKeys, count / BLOCK_TOKENS);
    }

    private void takeCached(ModelSlab.Lease lease) {
      int end = random.nextInt(lease.maxTokens() + 1);
      int expected = model.expectedHit(lease, end);
      assertThat(lease.lease.takeCached(lease.keys, end)).isEqualTo(expected);
      if (expected > 0) {
        hits++;
        model.took(lease, expected);
      }
    }

    private void compute(ModelSlab.Lease lease) {
      int most = lease.maxTokens() - lease.computed;
      int chunk = 1 + random.nextInt(lease.window == 0 ? most : Math.min(most, lease.maxChunk));
      lease.lease.extend(chunk);
      model.extended(lease, chunk);
      for (int position = lease.computed; position < lease.computed + chunk; position++) {
        slab.segment()
            .set(ValueLayout.JAVA_FLOAT, offset(lease, position), number(lease, position));
      }
      // Extending alone is allowed: a step may fail between the two.
      if (random.nextInt(8) != 0) {
        knowTokens(lease, lease.computed + chunk);
        lease.lease.advance(chunk, lease.keys);
        model.advanced(lease, chunk);
      }
    }

    private void close(ModelSlab.Lease lease, ResetCause cause) {
      lease.lease.close(cause);
      model.closed(lease, cause);
    }

    /// All that the lease may read is what a sequence of its scope and with its tokens has written.
    private void checkMemory(ModelSlab.Lease lease) {
      int first = lease.window == 0 ? 0 : Math.max(0, lease.computed - lease.window + 1);
      for (int position = first; position < lease.computed; position++) {
        float found = slab.segment().get(ValueLayout.JAVA_FLOAT, offset(lease, position));
        if (found != number(lease, position)) {
          throw new AssertionError("position " + position + " of another: " + found);
        }
      }
    }

    private float number(ModelSlab.Lease lease, int position) {
      int scope = scopeNumbers.computeIfAbsent(lease.scope, _ -> scopeNumbers.size());
      return scope * 100 + lease.ids[position];
    }

    private long offset(ModelSlab.Lease lease, int position) {
      KvLayout layout = slab.layout();
      int block = lease.lease.blockTable()[position / BLOCK_TOKENS];
      return layout.keyOffset(0, block, 0) + layout.keyElement(position % BLOCK_TOKENS, 0);
    }

    void end() {
      List.copyOf(model.open).forEach(lease -> close(lease, ResetCause.CANCELLED));
      for (CacheScope scope : scopes) {
        scope.close();
      }
      slab.forgetClosedScopes();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void theSlabDoesWhatItsModelDoesWhateverHappens(long seed) {
    Operations operations = new Operations(seed);
    operations.run(3000);
    assertThat(operations.refused).as("leases refused for want of room").isPositive();
    assertThat(operations.hits).as("leases that began with what was cached").isGreaterThan(50);
    Map<EvictionCause, Long> evictions = slab.stats().evictions();
    assertThat(evictions.values()).as("%s", evictions).allMatch(count -> count > 0);
    operations.end();
    assertThat(slab.stats().freeBlocks()).isEqualTo(NUM_BLOCKS);
  }

  @Test
  void tenThousandLeasesThatFinishFailAndGetCancelledLeaveNothing() {
    SplittableRandom random = new SplittableRandom(10_000);
    List<KvLease> open = new ArrayList<>();
    for (int leased = 0; leased < 10_000; ) {
      int maxTokens = random.nextInt(1, 100);
      Optional<KvLease> lease = slab.lease(maxTokens, 0, maxTokens);
      if (lease.isPresent()) {
        leased++;
        lease.get().extend(random.nextInt(1, maxTokens + 1));
        open.add(lease.get());
      } else {
        open.remove(random.nextInt(open.size())).close(ResetCause.values()[random.nextInt(3)]);
      }
    }
    open.forEach(lease -> lease.close(ResetCause.FINISHED));
    KvStats stats = slab.stats();
    assertThat(stats.openLeases()).isZero();
    assertThat(stats.leasedBlocks()).isZero();
    assertThat(stats.reservedBlocks()).isZero();
    assertThat(stats.resets().values()).allMatch(count -> count > 3000);
    assertThat(stats.resets().values().stream().mapToLong(Long::longValue).sum()).isEqualTo(10_000);
  }

  @Test
  void otherThreadsSeeConsistentStatistics() throws InterruptedException {
    AtomicBoolean done = new AtomicBoolean();
    AtomicReference<@Nullable KvStats> inconsistent = new AtomicReference<>();
    Thread reader =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!done.get()) {
                    KvStats stats = slab.stats();
                    if (stats.freeBlocks() + stats.leasedBlocks() != NUM_BLOCKS
                        || stats.leasedBlocks() + stats.reservedBlocks()
                            != 3 * stats.openLeases()) {
                      inconsistent.set(stats);
                    }
                  }
                });
    for (int i = 0; i < 20_000; i++) {
      try (KvLease first = slab.lease(48, 0, 48).orElseThrow();
          KvLease second = slab.lease(48, 0, 48).orElseThrow()) {
        first.extend(17);
        second.extend(48);
      }
    }
    done.set(true);
    reader.join();
    assertThat(inconsistent.get()).isNull();
  }
}
