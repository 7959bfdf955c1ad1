package dev.slabstream.load;

import dev.slabstream.load.Soak.Slice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Draws resident memory, threads and tokens per second over time, one above the other, as SVG. Lines
/// from top to bottom are where the number of clients changes.
final class SoakPlot {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 160;
  private static final int LEFT = 10;
  private static final int TITLE = 24;
  private static final int ROW = HEIGHT + TITLE;
  private static final int ROWS = 3;

  private final StringBuilder svg = new StringBuilder();
  private final double seconds;

  private SoakPlot(double seconds) {
    this.seconds = seconds;
  }

  static void write(Path file, List<ServiceGauges> gauges, List<Slice> slices) throws IOException {
    SoakPlot plot = new SoakPlot(gauges.getLast().secondsSinceStart());
    plot.add(
        "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' font-family='sans-serif' font-size='13'>",
        WIDTH + 2 * LEFT, ROWS * ROW + TITLE);
    for (Slice slice : slices) {
      plot.clients(slice);
    }
    List<Double> resident = new ArrayList<>();
    List<Double> threads = new ArrayList<>();
    List<Double> rate = new ArrayList<>();
    List<Double> times = new ArrayList<>();
    for (int i = 1; i < gauges.size(); i++) {
      ServiceGauges now = gauges.get(i);
      ServiceGauges before = gauges.get(i - 1);
      times.add(now.secondsSinceStart());
      resident.add(now.residentBytes() / 1e6);
      threads.add(now.threads());
      rate.add(
          (now.tokens() - before.tokens())
              / (now.secondsSinceStart() - before.secondsSinceStart()));
    }
    plot.curve(0, "resident memory, MB", times, resident);
    plot.curve(1, "threads", times, threads);
    plot.curve(2, "tokens per second, of prompts and new ones", times, rate);
    plot.add("</svg>");
    Files.writeString(file, plot.svg);
  }

  private void clients(Slice slice) {
    double x = x(slice.start());
    int bottom = ROWS * ROW;
    add("<line x1='%.1f' y1='0' x2='%.1f' y2='%d' stroke='silver'/>", x, x, bottom);
    add("<text x='%.1f' y='%d' fill='gray'>%d</text>", x + 3, bottom + 14, slice.clients());
  }

  /// From 0 to the largest value, with a title that names both ends.
  private void curve(int row, String title, List<Double> times, List<Double> values) {
    double largest = values.stream().mapToDouble(each -> each).max().orElseThrow();
    double smallest = values.stream().mapToDouble(each -> each).min().orElseThrow();
    int top = row * ROW + TITLE;
    add("<text x='%d' y='%d'>%s: %.0f to %.0f</text>", LEFT, top - 6, title, smallest, largest);
    add(
        "<rect x='%d' y='%d' width='%d' height='%d' fill='none' stroke='silver'/>",
        LEFT, top, WIDTH, HEIGHT);
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < values.size(); i++) {
      double y = top + HEIGHT * (1 - values.get(i) / largest);
      points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(times.get(i)), y));
    }
    add("<polyline points='%s' fill='none' stroke='steelblue'/>", points);
  }

  private double x(double atSeconds) {
    return LEFT + WIDTH * atSeconds / seconds;
  }

  private void add(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
