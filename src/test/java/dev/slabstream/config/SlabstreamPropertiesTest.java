package dev.slabstream.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.slabstream.generation.PrefixCacheScope;
import dev.slabstream.kernel.KernelBackend;
import dev.slabstream.tensor.KvType;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.validation.autoconfigure.ValidationAutoConfiguration;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class SlabstreamPropertiesTest {
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(ValidationAutoConfiguration.class))
          .withUserConfiguration(ServiceConfiguration.class);

  @Test
  void everySettingIsDescribedForTheReference() throws IOException {
    try (InputStream in =
        SlabstreamProperties.class.getResourceAsStream(
            "/META-INF/spring-configuration-metadata.json")) {
      assertThat(in).isNotNull();
      JsonNode properties = JsonMapper.builder().build().readTree(in).path("properties");
      assertThat(properties.size()).isGreaterThan(15);
      assertThat(properties)
          .allSatisfy(
              property ->
                  assertThat(property.path("description").asString())
                      .as(property.path("name").asString())
                      .endsWith("."));
    }
  }

  @Test
  void defaultsWork() {
    runner.run(
        context -> {
          SlabstreamProperties properties = context.getBean(SlabstreamProperties.class);
          assertThat(properties.model().path()).isEqualTo("models/SmolLM2-135M-Instruct.Q4_1.gguf");
          assertThat(properties.kvCache().size()).isNull();
          assertThat(properties.kvCache().type()).isEqualTo(KvType.Q8);
          assertThat(properties.prefixCache().scope()).isEqualTo(PrefixCacheScope.SESSION);
          assertThat(properties.kernel().backend()).isEqualTo(KernelBackend.AUTO);
          assertThat(properties.kernel().vectorBitsOrZero()).isZero();
          assertThat(properties.engine().actualThreads()).isPositive();
          assertThat(properties.engine().maxQueueTokens()).isEqualTo(65_536);
          assertThat(properties.engine().maxQueueTime()).isEqualTo(Duration.ofSeconds(50));
          assertThat(properties.engine().requestTimeout()).isEqualTo(Duration.ofMinutes(10));
          assertThat(properties.api().maxBodySize().toBytes()).isEqualTo(1 << 20);
          assertThat(properties.api().keepAlive()).isEqualTo(Duration.ofSeconds(15));
          assertThat(properties.generation().defaultMaxNewTokens()).isEqualTo(100);
          assertThat(SlabstreamProperties.defaults()).isEqualTo(properties);
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "slabstream.kv-cache.block-tokens=17",
        "slabstream.kernel.vector-bits=300",
        "slabstream.kv-cache.type=int4",
        "slabstream.prefix-cache.scope=public",
        "slabstream.kernel.backend=gpu",
        "slabstream.engine.max-queue=0",
        "slabstream.engine.max-queue-tokens=0",
        "slabstream.engine.max-queue-time=0s",
        "slabstream.engine.request-timeout=-1s",
        "slabstream.engine.max-running=600",
        "slabstream.session.max=0",
        "slabstream.session.idle-timeout=0s",
        "slabstream.api.keep-alive=0s",
        "slabstream.api.max-body-size=4GB",
        "slabstream.api.max-body-memory=1000KB",
        "slabstream.api.max-body-memory=1000GB",
        "slabstream.api.stream-buffer=0",
        "slabstream.api.slow-client-timeout=0s",
        "slabstream.api.send-buffer=100B",
        "slabstream.model.path=",
        "slabstream.engine.max-queue=2147483647",
        "slabstream.engine.max-queue-tokens=2147483647",
        "slabstream.engine.max-queue-time=366d",
        "slabstream.engine.request-timeout=366d",
        "slabstream.engine.max-batch-tokens=65537",
        "slabstream.engine.target-step-time=61s",
        "slabstream.generation.default-max-new-tokens=2147483647",
        "slabstream.generation.max-stop-sequences=1025",
        "slabstream.generation.max-top-n-tokens=1025",
        "slabstream.session.max=2147483647",
        "slabstream.session.idle-timeout=366d",
        "slabstream.api.keep-alive=25h",
        "slabstream.api.stream-buffer=2147483647",
        "slabstream.api.slow-client-timeout=25h",
        "slabstream.api.body-timeout=25h",
        "slabstream.api.write-timeout=25h",
        "slabstream.api.max-connections=2147483647",
        "slabstream.api.max-streams=2147483647",
        "slabstream.health.stuck-after=25h",
        "slabstream.shutdown.grace-period=-1s"
      })
  void settingsThatCannotWorkAreRefusedAtTheStart(String setting) {
    runner
        .withPropertyValues(setting)
        .run(
            context -> {
              assertThat(messages(context.getStartupFailure()))
                  .contains(squeezed(setting.substring(0, setting.indexOf('='))));
            });
  }

  private static String messages(@Nullable Throwable failure) {
    StringBuilder messages = new StringBuilder();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      messages.append(cause.getMessage()).append('\n');
    }
    return squeezed(messages.toString().replace("object 'slabstream' on field '", "slabstream."));
  }

  /// In the one spelling that the two of Spring have in common.
  private static String squeezed(String name) {
    return name.replace("-", "").toLowerCase(Locale.ROOT);
  }
}
