package dev.slabstream.tokenizer;

import java.util.Arrays;

/// A growing array of ints. One thread.
final class IntList {
  private int[] values;
  private int size;

  IntList(int capacity) {
    values = new int[Math.max(capacity, 16)];
  }

  void add(int value) {
    if (size == values.length) {
      values = Arrays.copyOf(values, size + (size >> 1));
    }
    values[size++] = value;
  }

  void addAll(int[] source, int count) {
    if (values.length - size < count) {
      values = Arrays.copyOf(values, Math.max(size + count, size + (size >> 1)));
    }
    System.arraycopy(source, 0, values, size, count);
    size += count;
  }

  int[] toArray() {
    return Arrays.copyOf(values, size);
  }
}
