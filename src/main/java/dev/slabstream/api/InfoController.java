package dev.slabstream.api;

import dev.slabstream.generation.Readiness;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/// `GET /info`, and TGI's `GET /health`. Both say 503 with a reason while there is no model, and
/// `/health` as soon as the service begins to end.
@RestController
final class InfoController {
  private final ServiceInfo.Source source;
  private final Readiness readiness;

  InfoController(ServiceInfo.Source source, Readiness readiness) {
    this.source = source;
    this.readiness = readiness;
  }

  @GetMapping(path = "/info", produces = MediaType.APPLICATION_JSON_VALUE)
  ResponseEntity<byte[]> info() {
    return ResponseEntity.ok()
        .contentType(MediaType.APPLICATION_JSON)
        .body(WireJson.bytes(source.info()));
  }

  /// Ready or not, with an empty body, as TGI has it.
  @GetMapping("/health")
  ResponseEntity<Void> health() {
    readiness.check();
    return ResponseEntity.ok().build();
  }
}
