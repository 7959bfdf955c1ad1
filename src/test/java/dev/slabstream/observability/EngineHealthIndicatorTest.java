package dev.slabstream.observability;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;

final class EngineHealthIndicatorTest {
  private final EngineHealthIndicator indicator = new EngineHealthIndicator(Duration.ofSeconds(60));

  @Test
  void isUpWhileThereIsNoEngine() {
    assertThat(indicator.health().getStatus()).isEqualTo(Status.UP);
  }

  @Test
  void isDownWithTheReasonWhileTheEngineIsSilentForTooLongAndUpAgainAfterwards() {
    AtomicReference<Duration> silence = new AtomicReference<>(Duration.ofSeconds(60));
    indicator.watch("the engine", silence::get);
    indicator.watch("the tokenizer", () -> Duration.ZERO);
    assertThat(indicator.health().getStatus()).isEqualTo(Status.UP);

    silence.set(Duration.ofSeconds(61));
    Health health = indicator.health();
    assertThat(health.getStatus()).isEqualTo(Status.DOWN);
    assertThat(health.getDetails().get("reason"))
        .asString()
        .contains(
            "the engine has work",
            "no sign of life for 61 s",
            "slabstream.health.stuck-after (PT1M)");

    silence.set(Duration.ZERO);
    assertThat(indicator.health().getStatus()).isEqualTo(Status.UP);
  }

  @Test
  void isDownWhenTheTokenizerAloneIsSilent() {
    indicator.watch("the engine", () -> Duration.ZERO);
    indicator.watch("the tokenizer", () -> Duration.ofSeconds(70));
    assertThat(indicator.health().getStatus()).isEqualTo(Status.DOWN);
    assertThat(indicator.health().getDetails().get("reason"))
        .asString()
        .startsWith("the tokenizer has work");
  }
}
