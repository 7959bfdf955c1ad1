package dev.slabstream.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/// A connection of HTTP/2 (RFC 9113), frame by frame: what a client library would never do is what is tested.
final class HttpTwo implements AutoCloseable {
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RST_STREAM = 3;
  static final int SETTINGS = 4;
  static final int PING = 6;
  static final int WINDOW_UPDATE = 8;

  static final int ACK = 1;
  static final int END_STREAM = 1;
  static final int END_HEADERS = 4;

  /// Headers of a request of HTTP/1.1 that asks for the upgrade.
  static final String UPGRADE =
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk";

  /// `POST /generate` of JSON in HPACK without tables of its own (RFC 7541, appendix A).
  static final byte[] POST_GENERATE =
      join(
          bytes(0x83, 0x86, 0x04, 9),
          "/generate".getBytes(StandardCharsets.US_ASCII),
          bytes(0x01, 1, 'a', 0x0f, 0x10, 16),
          "application/json".getBytes(StandardCharsets.US_ASCII));

  private final RawHttp http;

  /// A frame that came.
  record Frame(int type, int flags, int stream, byte[] payload) {}

  /// With prior knowledge.
  ///
  /// @param settings payload of the client's first SETTINGS
  HttpTwo(int port, byte[] settings) throws IOException {
    this(new RawHttp(port), settings);
  }

  private HttpTwo(RawHttp http, byte[] settings) throws IOException {
    this.http = http;
    http.sendRaw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    send(SETTINGS, 0, 0, settings);
  }

  /// Begins a generation on stream 1, as the request that asks for the upgrade.
  static HttpTwo upgrade(int port, byte[] body) throws IOException {
    RawHttp http = new RawHttp(port);
    http.send("POST", "/generate", body, "Content-Type: application/json", UPGRADE);
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      head.append((char) http.readByte());
    }
    assertThat(head).startsWith("HTTP/1.1 101 ");
    return new HttpTwo(http, bytes());
  }

  /// The connection below.
  RawHttp raw() {
    return http;
  }

  void send(int type, int flags, int stream, byte[] payload) throws IOException {
    http.sendRaw(frame(type, flags, stream, payload));
  }

  /// Begins a generation on a stream.
  void post(int stream, byte[] body) throws IOException {
    send(HEADERS, END_HEADERS, stream, POST_GENERATE);
    send(DATA, END_STREAM, stream, body);
  }

  /// Gives a stream up.
  void reset(int stream) throws IOException {
    int cancel = 8;
    send(RST_STREAM, 0, stream, number(cancel));
  }

  /// Reads frames until the server has taken the client's first SETTINGS.
  void awaitSettingsTaken() throws IOException {
    Frame frame;
    do {
      frame = read();
    } while (frame.type() != SETTINGS || (frame.flags() & ACK) == 0);
  }

  /// Lets the server send so many more bytes; on stream 0, on all streams together.
  void widen(int stream, int numBytes) throws IOException {
    send(WINDOW_UPDATE, 0, stream, number(numBytes));
  }

  Frame read() throws IOException {
    byte[] head = http.read(9);
    int length = (head[0] & 0xff) << 16 | (head[1] & 0xff) << 8 | head[2] & 0xff;
    int stream =
        (head[5] & 0x7f) << 24 | (head[6] & 0xff) << 16 | (head[7] & 0xff) << 8 | head[8] & 0xff;
    return new Frame(head[3], head[4], stream, http.read(length));
  }

  /// Reads frames until a stream ends, in order or not: what came of it.
  String readData(int stream) throws IOException {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    while (true) {
      Frame frame = read();
      if (frame.stream() != stream) {
        continue;
      }
      if (frame.type() == DATA) {
        data.writeBytes(frame.payload());
      }
      boolean ends =
          frame.type() == RST_STREAM || frame.type() == DATA && (frame.flags() & END_STREAM) != 0;
      if (ends) {
        return data.toString(StandardCharsets.UTF_8);
      }
    }
  }

  /// A setting as SETTINGS has it.
  static byte[] setting(int id, int value) {
    return join(bytes(id >>> 8, id), number(value));
  }

  private static byte[] number(int value) {
    return bytes(value >>> 24, value >>> 16, value >>> 8, value);
  }

  static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  static byte[] frame(int type, int flags, int stream, byte[] payload) {
    int length = payload.length;
    return join(bytes(length >>> 16, length >>> 8, length, type, flags), number(stream), payload);
  }

  @Override
  public void close() throws IOException {
    http.close();
  }
}
