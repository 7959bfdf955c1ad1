package dev.slabstream.kvcache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.tensor.KvLayout;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
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

/// Random operations, held against a model that keeps nothing but sets.
class KvSlabRandomTest {
  private static final int NUM_BLOCKS = 40;
  private static final int BLOCK_TOKENS = 16;

  @RegisterExtension final LeakDetector leaks = new LeakDetector();

  private final KvSlab slab = leaks.slab(new KvLayout(1, NUM_BLOCKS, 1, 4, BLOCK_TOKENS));

  /// What the test knows of a lease: positions, window and chunk, from which the blocks it must hold follow.
  private static final class Model {
    final KvLease lease;
    final int maxTokens;
    final int window;
    final int maxChunk;
    int computed;
    int writable;

    Model(KvLease lease, int maxTokens, int window, int maxChunk) {
      this.lease = lease;
      this.maxTokens = maxTokens;
      this.window = window;
      this.maxChunk = maxChunk;
    }

    /// Entries of the table that hold a block: those of positions taken so far which the next query or a later one sees.
    BitSet heldEntries() {
      BitSet held = new BitSet();
      int taken = Math.ceilDiv(writable, BLOCK_TOKENS) * BLOCK_TOKENS;
      for (int position = 0; position < taken; position++) {
        if (window == 0 || position > computed - window) {
          held.set(position / BLOCK_TOKENS);
        }
      }
      return held;
    }

    int reserved() {
      return reserved(maxTokens, window, maxChunk);
    }

    static int reserved(int maxTokens, int window, int maxChunk) {
      int all = (maxTokens + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
      return window == 0
          ? all
          : Math.min(all, (window + maxChunk + BLOCK_TOKENS - 1) / BLOCK_TOKENS + 1);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void usedAndFreeBlocksMakeUpTheSlabWhateverHappens(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Model> open = new ArrayList<>();
    Map<ResetCause, Long> resets = new EnumMap<>(ResetCause.class);
    for (ResetCause cause : ResetCause.values()) {
      resets.put(cause, 0L);
    }
    int refused = 0;
    for (int i = 0; i < 4000; i++) {
      int choice = random.nextInt(10);
      if (open.isEmpty() || choice == 0) {
        refused += tryLease(random, open) ? 0 : 1;
      } else {
        Model model = open.get(random.nextInt(open.size()));
        if (choice == 1 || model.computed == model.maxTokens) {
          ResetCause cause = ResetCause.values()[random.nextInt(3)];
          model.lease.close(cause);
          resets.merge(cause, 1L, Long::sum);
          open.remove(model);
        } else {
          compute(random, model);
        }
      }
      check(open, resets);
    }
    assertThat(refused).as("leases refused for want of room").isPositive();
    open.forEach(model -> model.lease.close());
    assertThat(slab.stats().freeBlocks()).isEqualTo(NUM_BLOCKS);
  }

  private boolean tryLease(SplittableRandom random, List<Model> open) {
    int maxTokens = random.nextInt(1, 20 * BLOCK_TOKENS);
    int window = random.nextBoolean() ? 0 : random.nextInt(1, 100);
    int maxChunk = random.nextInt(1, 64);
    int needed = Model.reserved(maxTokens, window, maxChunk);
    int promised = open.stream().mapToInt(Model::reserved).sum();
    Optional<KvLease> lease = slab.lease(maxTokens, window, maxChunk);
    assertThat(lease.isPresent()).isEqualTo(promised + needed <= NUM_BLOCKS);
    lease.ifPresent(it -> open.add(new Model(it, maxTokens, window, maxChunk)));
    return lease.isPresent();
  }

  private static void compute(SplittableRandom random, Model model) {
    int most = model.maxTokens - model.computed;
    int chunk = 1 + random.nextInt(model.window == 0 ? most : Math.min(most, model.maxChunk));
    model.lease.extend(chunk);
    model.writable = Math.max(model.writable, model.computed + chunk);
    // Extending alone is allowed: a step may fail between the two.
    if (random.nextInt(8) != 0) {
      model.lease.advance(chunk);
      model.computed += chunk;
    }
  }

  private void check(List<Model> open, Map<ResetCause, Long> resets) {
    BitSet leased = new BitSet();
    int reserved = 0;
    for (Model model : open) {
      assertThat(model.lease.numComputedTokens()).isEqualTo(model.computed);
      BitSet held = model.heldEntries();
      int[] table = model.lease.blockTable();
      for (int entry = 0; entry < table.length; entry++) {
        assertThat(table[entry] >= 0).as("entry %d", entry).isEqualTo(held.get(entry));
        if (table[entry] >= 0) {
          assertThat(leased.get(table[entry])).as("block leased twice").isFalse();
          leased.set(table[entry]);
        }
      }
      reserved += model.reserved() - held.cardinality();
    }
    KvStats stats = slab.stats();
    assertThat(stats.freeBlocks() + stats.leasedBlocks()).isEqualTo(NUM_BLOCKS);
    assertThat(stats.leasedBlocks()).isEqualTo(leased.cardinality());
    assertThat(stats.reservedBlocks()).isEqualTo(reserved);
    assertThat(stats.freeBlocks()).isGreaterThanOrEqualTo(reserved);
    assertThat(stats.openLeases()).isEqualTo(open.size());
    assertThat(stats.resets()).isEqualTo(resets);
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
