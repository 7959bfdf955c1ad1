package dev.slabstream.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.slabstream.load.Soak.Slice;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Each bound of the soak breaks when it should, and none does for a service that holds them.
class SoakResultTest {
  private static final int SLICE_SECONDS = 20;
  private static final int[] CLIENTS = {1, 64};

  private Slices slices;
  private Service service;

  /// By default a service at its best.
  private static final class Service {
    double bytesPerSecond = 0;
    double threadsPerSecond = 0;
    double allocatedPerToken = 3_000;
    double leases = 0;
    double tokensPerSecond1 = 100;
    double tokensPerSecond64 = 100;
  }

  private static final class Slices {
    String error = "overloaded";
    long firstTokenMillis = 5_000;
    boolean refusesAll = false;
  }

  @BeforeEach
  void aServiceAtItsBest() {
    slices = new Slices();
    service = new Service();
  }

  @Test
  void aServiceThatHoldsThemBreaksNoBound() {
    assertThat(broken()).isEmpty();
  }

  @Test
  void memoryThatGrows() {
    service.bytesPerSecond = 1e6;
    assertThat(broken()).containsExactly("resident memory grew by 40.0 MB");
    service.bytesPerSecond = 0.5e6;
    assertThat(broken()).isEmpty();
  }

  @Test
  void threadsThatBecomeMore() {
    service.threadsPerSecond = 0.1;
    assertThat(broken()).singleElement().asString().startsWith("threads: ");
  }

  @Test
  void garbage() {
    service.allocatedPerToken = 21_000;
    assertThat(broken()).containsExactly("21000 bytes allocated per token");
  }

  @Test
  void aLeaseThatIsLeft() {
    service.leases = 1;
    assertThat(broken()).containsExactly("1 leases at the end");
  }

  @Test
  void anErrorThatIsNotMeant() {
    slices.error = "internal";
    assertThat(broken()).containsExactly("errors: {internal=2}", "nobody was refused");
  }

  @Test
  void aRefusalWithFewClients() {
    slices.refusesAll = true;
    assertThat(broken()).containsExactly("1 clients: 1 were refused");
  }

  @Test
  void lessThroughputWithMostClients() {
    service.tokensPerSecond64 = 94;
    assertThat(broken()).containsExactly("94.0 tokens/s with most clients; at best 100.0");
  }

  @Test
  void aFirstTokenThatTakesLongerThanTheQueue() {
    slices.firstTokenMillis = 33_000;
    assertThat(broken())
        .containsExactly(
            "64 clients: the p99 of first tokens is 33000 ms; a full queue leaves in 16000");
  }

  @Test
  void whatIsReportedComesFromAfterTheWarmUp() {
    service.bytesPerSecond = 0.1e6;
    SoakResult result = result(new Report("unused"));

    assertThat(result.seconds()).isEqualTo(2 * SLICE_SECONDS, within(1e-9));
    assertThat(result.residentSlopeMegabytesPerHour()).isEqualTo(360, within(1e-6));
    assertThat(result.refused()).isEqualTo(2);
    assertThat(result.clients()).extracting(SoakResult.OfClients::clients).containsExactly(1, 64);
    assertThat(result.clients()).extracting(SoakResult.OfClients::answers).containsExactly(1, 1);
    assertThat(result.clients().getLast().refused()).isEqualTo(1);
    assertThat(result.clients().getLast().admittedPerSecond()).isEqualTo(1, within(1e-9));
    assertThat(result.clients().getLast().medianGapMillis()).isEqualTo(50);
  }

  private List<String> broken() {
    Report report = new Report("unused");
    result(report);
    return report.broken();
  }

  private SoakResult result(Report report) {
    List<Slice> all = new ArrayList<>();
    for (int cycle = 0; cycle < 2; cycle++) {
      for (int c = 0; c < CLIENTS.length; c++) {
        double start = (cycle * CLIENTS.length + c) * SLICE_SECONDS;
        all.add(new Slice(cycle, CLIENTS[c], start, start + SLICE_SECONDS, answers(CLIENTS[c])));
      }
    }
    return SoakResult.of(gauges(), all, report);
  }

  /// A good one, and with 64 clients, or always, one that is refused or fails.
  private List<Answer> answers(int clients) {
    long first = slices.firstTokenMillis * 1_000_000;
    Answer good = new Answer(0, new long[] {first, first + 50_000_000}, 10, "", 0);
    Answer refused = new Answer(0, new long[0], 0, slices.error, 1);
    return clients == 1 && !slices.refusesAll ? List.of(good) : List.of(good, refused);
  }

  /// One a second. A request is admitted each second.
  private List<ServiceGauges> gauges() {
    List<ServiceGauges> gauges = new ArrayList<>();
    double tokens = 0;
    for (int second : IntStream.rangeClosed(0, 2 * CLIENTS.length * SLICE_SECONDS).toArray()) {
      gauges.add(
          new ServiceGauges(
              second,
              300e6 + service.bytesPerSecond * second,
              30 + service.threadsPerSecond * second,
              service.leases,
              service.allocatedPerToken * tokens,
              second,
              tokens / 2,
              tokens / 2));
      boolean most = second / SLICE_SECONDS % CLIENTS.length > 0;
      tokens += most ? service.tokensPerSecond64 : service.tokensPerSecond1;
    }
    return gauges;
  }
}
