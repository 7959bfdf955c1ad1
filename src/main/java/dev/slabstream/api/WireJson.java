package dev.slabstream.api;

import tools.jackson.databind.json.JsonMapper;

/// Writes what leaves in a shape that clients depend on byte for byte. Apart from the application's
/// own mapper, so that no setting of it can change the wire.
final class WireJson {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private WireJson() {}

  static byte[] bytes(Object body) {
    return MAPPER.writeValueAsBytes(body);
  }
}
