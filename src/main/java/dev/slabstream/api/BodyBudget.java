package dev.slabstream.api;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/// The bytes that bodies of requests may have together, over all connections and streams: those that
/// are coming, those that came ahead of their turn, and those of requests that have not ended, which
/// keep their text. Counted as they arrive, whatever a length promises.
///
/// When it is used up, bodies that have been coming for a second or longer make room, the longest
/// first: a megabyte comes in less, so whoever takes longer is slow or has stalled, and cannot keep
/// out who is quick. When nobody makes room, the newcomer is refused.
///
/// Thread-safe; lives as long as the server. Nothing blocks in here.
public final class BodyBudget {
  private static final long MAKES_ROOM_AFTER_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final long maxBytes;
  private final LongSupplier nanoClock;

  // All guarded by this, and so are the fields of shares.
  private final Set<Share> coming = new LinkedHashSet<>();
  private long taken;

  /// @param nanoClock monotonic, in nanoseconds
  public BodyBudget(long maxBytes, LongSupplier nanoClock) {
    if (maxBytes < 1) {
      throw new IllegalArgumentException("maxBytes must be at least 1; got " + maxBytes);
    }
    this.maxBytes = maxBytes;
    this.nanoClock = nanoClock;
  }

  public long maxBytes() {
    return maxBytes;
  }

  /// Bytes that are taken now.
  public synchronized long taken() {
    return taken;
  }

  /// The share of a body that begins to come.
  ///
  /// @param evicted called, at most once, when it has made room for others: on the thread of one of
  ///     those, and nothing is taken any more
  public synchronized Share coming(Runnable evicted) {
    Share share = new Share(maxBytes, evicted);
    coming.add(share);
    return share;
  }

  /// The share of bodies that come before anybody waits for them. They get half of what there is, so
  /// that they cannot keep out those that are waited for.
  public synchronized Share ahead() {
    return new Share(maxBytes / 2, () -> {});
  }

  /// Makes room for `bytes` of `newcomer`, as far as it can be made.
  private List<Share> evictFor(Share newcomer, long bytes) {
    List<Share> evicted = new ArrayList<>();
    long now = nanoClock.getAsLong();
    Iterator<Share> oldestFirst = coming.iterator();
    while (taken + bytes > maxBytes && oldestFirst.hasNext()) {
      Share share = oldestFirst.next();
      if (now - share.begunNanos < MAKES_ROOM_AFTER_NANOS) {
        break;
      }
      if (share != newcomer && share.bytes > 0) {
        oldestFirst.remove();
        share.giveAllBack();
        evicted.add(share);
      }
    }
    return evicted;
  }

  /// What one body has taken. Given back by [#close()].
  public final class Share implements AutoCloseable {
    private final long limit;
    private final Runnable whenEvicted;
    private final long begunNanos = nanoClock.getAsLong();
    private long bytes;
    private boolean closed;

    private Share(long limit, Runnable whenEvicted) {
      this.limit = limit;
      this.whenEvicted = whenEvicted;
    }

    /// Takes more. False when there is no room, or when it has made room itself: then nothing is
    /// taken any more.
    public boolean take(long more) {
      List<Share> evicted;
      boolean fits;
      synchronized (BodyBudget.this) {
        if (closed) {
          return false;
        }
        evicted = coming.contains(this) ? evictFor(this, more) : List.of();
        fits = taken + more <= limit;
        if (fits) {
          taken += more;
          bytes += more;
        } else {
          close();
        }
      }
      evicted.forEach(share -> share.whenEvicted.run());
      return fits;
    }

    /// Gives a part back.
    public void give(long fewer) {
      synchronized (BodyBudget.this) {
        if (!closed) {
          taken -= fewer;
          bytes -= fewer;
        }
      }
    }

    /// The body is there: it makes no room any more. False when it has.
    public boolean complete() {
      synchronized (BodyBudget.this) {
        coming.remove(this);
        return !closed;
      }
    }

    /// Gives everything back; harmless when it was before.
    @Override
    public void close() {
      synchronized (BodyBudget.this) {
        coming.remove(this);
        giveAllBack();
      }
    }

    private void giveAllBack() {
      if (!closed) {
        closed = true;
        taken -= bytes;
        bytes = 0;
      }
    }
  }
}
