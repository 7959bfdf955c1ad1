package dev.slabstream.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// The memory of all packed weights of one backend: large chunks, filled from the front, freed together by [#close()].
///
/// Decode reads all of it for every token, front to back. With pages of 4 KiB each page costs a walk of the page tables, and in a
/// virtual machine of two of them: measured, a third to a half of the reading speed. So on Linux the chunks are mapped by `mmap`
/// and `madvise(MADV_HUGEPAGE)` asks for pages of 2 MiB; elsewhere, or where that fails, memory comes from an [Arena] as usual.
/// One thread allocates.
final class WeightMemory implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(WeightMemory.class.getName());
  private static final long ALIGNMENT = 64;
  private static final long HUGE_PAGE = 2L << 20;
  private static final long CHUNK_BYTES = 16 * HUGE_PAGE;

  private final Arena arena = Arena.ofShared();
  private final Optional<Linux> linux = Linux.find();
  private MemorySegment chunk = MemorySegment.NULL;
  private long used;
  private long allocatedBytes;

  /// Zeros, aligned to 64 bytes.
  MemorySegment allocate(long bytes) {
    if (bytes > chunk.byteSize() - used) {
      long whole = (Math.max(bytes, CHUNK_BYTES) + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
      chunk =
          linux
              .flatMap(calls -> calls.map(whole, arena))
              .orElseGet(() -> arena.allocate(whole, ALIGNMENT));
      used = 0;
    }
    MemorySegment segment = chunk.asSlice(used, bytes);
    used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    allocatedBytes += bytes;
    return segment;
  }

  /// Sum of what was asked for.
  long allocatedBytes() {
    return allocatedBytes;
  }

  @Override
  public void close() {
    arena.close();
  }

  /// The three system calls, by the C library.
  private record Linux(MethodHandle mmap, MethodHandle madvise, MethodHandle munmap) {
    private static final int PROT_READ_WRITE = 1 | 2;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x02 | 0x20;
    private static final int MADV_HUGEPAGE = 14;

    static Optional<Linux> find() {
      if (!System.getProperty("os.name").equals("Linux")) {
        return Optional.empty();
      }
      try {
        Linker linker = Linker.nativeLinker();
        SymbolLookup libc = linker.defaultLookup();
        return Optional.of(
            new Linux(
                linker.downcallHandle(
                    libc.findOrThrow("mmap"),
                    FunctionDescriptor.of(
                        JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG)),
                linker.downcallHandle(
                    libc.findOrThrow("madvise"),
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT)),
                linker.downcallHandle(
                    libc.findOrThrow("munmap"),
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG))));
      } catch (RuntimeException e) {
        LOG.log(Level.DEBUG, "No large pages for the weights", e);
        return Optional.empty();
      }
    }

    /// Fresh zeros, mapped a huge page larger than asked so that the part handed out is aligned to one.
    Optional<MemorySegment> map(long bytes, Arena arena) {
      long mapped = bytes + HUGE_PAGE;
      try {
        long address =
            (long)
                mmap.invokeExact(
                    MemorySegment.NULL, mapped, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
        if (address == -1) {
          return Optional.empty();
        }
        MemorySegment all =
            MemorySegment.ofAddress(address).reinterpret(mapped, arena, this::unmap);
        MemorySegment aligned = all.asSlice(-address & (HUGE_PAGE - 1), bytes);
        int refused = (int) madvise.invokeExact(aligned, bytes, MADV_HUGEPAGE);
        LOG.log(Level.DEBUG, "{0} bytes for weights, huge pages: {1}", bytes, refused == 0);
        return Optional.of(aligned);
      } catch (Throwable e) {
        throw new IllegalStateException("cannot map memory for the weights", e);
      }
    }

    private void unmap(MemorySegment all) {
      try {
        int failed = (int) munmap.invokeExact(all, all.byteSize());
        if (failed != 0) {
          LOG.log(Level.WARNING, "munmap failed for {0} bytes of weights", all.byteSize());
        }
      } catch (Throwable e) {
        throw new IllegalStateException("cannot unmap the memory of the weights", e);
      }
    }
  }
}
