package dev.slabstream.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

@ExtendWith(OutputCaptureExtension.class)
final class ListenFailureAnalyzerTest {
  @Test
  void aPortThatIsNoneIsToldInASentence(CapturedOutput output) {
    SpringApplicationBuilder edge = new SpringApplicationBuilder(EdgeServer.Edge.class);
    assertThatThrownBy(() -> edge.run("--server.port=99999")).hasMessageContaining("webServer");
    assertThat(output.getAll())
        .contains("cannot listen at server.address and server.port: port out of range:99999")
        .contains("a port from 0 to 65535")
        .doesNotContain("\tat ");
  }
}
