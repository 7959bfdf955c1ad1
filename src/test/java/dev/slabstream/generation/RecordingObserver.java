package dev.slabstream.generation;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/// Keeps what it is told.
final class RecordingObserver implements GenerationObserver {
  final List<Long> firstTokens = new CopyOnWriteArrayList<>();
  final List<Long> nextTokens = new CopyOnWriteArrayList<>();
  final List<Report> reports = new CopyOnWriteArrayList<>();

  @Override
  public void firstToken(long nanos) {
    firstTokens.add(nanos);
  }

  @Override
  public void nextToken(long nanos) {
    nextTokens.add(nanos);
  }

  @Override
  public void ended(Report report) {
    reports.add(report);
  }

  List<GenerationOutcome> outcomes() {
    return reports.stream().map(Report::outcome).toList();
  }
}
