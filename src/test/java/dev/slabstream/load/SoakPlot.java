package dev.slabstream.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/// Draws resident memory and threads over time, one above the other, as SVG.
final class SoakPlot {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 160;
  private static final int LEFT = 10;
  private static final int TITLE = 24;

  private SoakPlot() {}

  static void write(Path file, List<ServiceGauges> gauges) throws IOException {
    String svg =
        "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' font-family='sans-serif' font-size='13'>%n"
                .formatted(WIDTH + 2 * LEFT, 2 * (HEIGHT + TITLE) + LEFT)
            + curve(gauges, 0, "resident memory, MB", each -> each.residentBytes() / 1e6)
            + curve(gauges, 1, "threads", ServiceGauges::threads)
            + "</svg>\n";
    Files.writeString(file, svg);
  }

  /// From 0 to the largest value, with a title that names both ends.
  private static String curve(
      List<ServiceGauges> gauges, int row, String title, ToDoubleFunction<ServiceGauges> value) {
    double seconds = gauges.getLast().secondsSinceStart();
    double largest = gauges.stream().mapToDouble(value).max().orElseThrow();
    double smallest = gauges.stream().mapToDouble(value).min().orElseThrow();
    int top = row * (HEIGHT + TITLE) + TITLE;
    String points =
        gauges.stream()
            .map(
                each ->
                    String.format(
                        Locale.ROOT,
                        "%.1f,%.1f",
                        LEFT + WIDTH * each.secondsSinceStart() / seconds,
                        top + HEIGHT * (1 - value.applyAsDouble(each) / largest)))
            .collect(Collectors.joining(" "));
    return String.format(
        Locale.ROOT,
        """
        <text x='%d' y='%d'>%s: %.0f to %.0f in %.0f s</text>
        <rect x='%d' y='%d' width='%d' height='%d' fill='none' stroke='silver'/>
        <polyline points='%s' fill='none' stroke='steelblue'/>
        """,
        LEFT,
        top - 6,
        title,
        smallest,
        largest,
        seconds,
        LEFT,
        top,
        WIDTH,
        HEIGHT,
        points);
  }
}
