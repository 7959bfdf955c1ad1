package dev.slabstream.api;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;

/// HTTP/1.1 over a socket, byte for byte: what a client library would hide is what is tested.
public final class RawHttp implements AutoCloseable {
  private final Socket socket;
  private final ByteArrayOutputStream received = new ByteArrayOutputStream();

  public RawHttp(int port) throws IOException {
    this(port, 0);
  }

  /// @param receiveBytes what the kernel may receive for a client that does not read; 0 = its default
  public RawHttp(int port, int receiveBytes) throws IOException {
    socket = new Socket();
    if (receiveBytes > 0) {
      // Before the connection is made: its window follows from it.
      socket.setReceiveBufferSize(receiveBytes);
    }
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(60_000);
  }

  /// A reply, taken apart.
  ///
  /// @param head status line and headers
  /// @param body with chunked coding undone
  public record Reply(String head, String body) {
    public int status() {
      return Integer.parseInt(head.substring(9, 12));
    }

    public Optional<String> header(String name) {
      return head.lines()
          .filter(l -> l.toLowerCase(Locale.ROOT).startsWith(name.toLowerCase(Locale.ROOT) + ":"))
          .map(l -> l.substring(name.length() + 1).strip())
          .findFirst();
    }
  }

  /// One request on a connection of its own, read to the end.
  public static Reply exchange(int port, String method, String path, String body, String... headers)
      throws IOException {
    return exchange(port, method, path, body.getBytes(StandardCharsets.UTF_8), headers);
  }

  public static Reply exchange(int port, String method, String path, byte[] body, String... headers)
      throws IOException {
    try (RawHttp http = new RawHttp(port)) {
      String[] all = Arrays.copyOf(headers, headers.length + 1);
      all[headers.length] = "Connection: close";
      // What is refused may be so before all of it is sent.
      http.sendWhileHeard(request(method, path, body, all));
      return http.readReply();
    }
  }

  public static Reply post(int port, String path, String body, String... headers)
      throws IOException {
    String[] all = Arrays.copyOf(headers, headers.length + 1);
    all[headers.length] = "Content-Type: application/json";
    return exchange(port, "POST", path, body, all);
  }

  public void send(String method, String path, byte[] body, String... headers) throws IOException {
    sendRaw(request(method, path, body, headers));
  }

  private static byte[] request(String method, String path, byte[] body, String... headers) {
    StringBuilder head = new StringBuilder();
    head.append(method).append(' ').append(path).append(" HTTP/1.1\r\nHost: localhost\r\n");
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    if (body.length > 0 || method.equals("POST")) {
      head.append("Content-Length: ").append(body.length).append("\r\n");
    }
    head.append("\r\n");
    ByteArrayOutputStream request = new ByteArrayOutputStream();
    request.writeBytes(head.toString().getBytes(StandardCharsets.US_ASCII));
    request.writeBytes(body);
    return request.toByteArray();
  }

  /// Sends bytes as they are.
  public void sendRaw(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  /// Sends bytes as far as the server listens: false once it has closed. Where it closes with bytes
  /// unread, the kernel resets the connection, at whichever write that meets.
  public boolean sendWhileHeard(byte[] bytes) throws IOException {
    try {
      sendRaw(bytes);
      return true;
    } catch (SocketException e) {
      return false;
    }
  }

  /// Whether bytes have come that nobody has read.
  public boolean isAnswered() throws IOException {
    return socket.getInputStream().available() > 0;
  }

  /// POSTs JSON in chunks, with no length declared. Gives up writing when the server has heard
  /// enough.
  public void sendChunked(String path, byte[] body, int chunk) throws IOException {
    String head =
        "POST "
            + path
            + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    boolean heard = sendWhileHeard(head.getBytes(StandardCharsets.US_ASCII));
    for (int at = 0; heard && at < body.length; at += chunk) {
      int length = Math.min(chunk, body.length - at);
      ByteArrayOutputStream part = new ByteArrayOutputStream();
      part.writeBytes((Integer.toHexString(length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
      part.write(body, at, length);
      part.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
      heard = sendWhileHeard(part.toByteArray());
    }
    if (heard) {
      sendWhileHeard("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    }
  }

  /// Reads on until what was received so far, as text, is as wanted, or the server closes.
  public String readUntil(Predicate<String> wanted) throws IOException {
    InputStream in = socket.getInputStream();
    byte[] buffer = new byte[8192];
    while (!wanted.test(received.toString(StandardCharsets.UTF_8))) {
      int n = in.read(buffer);
      if (n < 0) {
        break;
      }
      received.write(buffer, 0, n);
    }
    return received.toString(StandardCharsets.UTF_8);
  }

  /// Reads until the server closes, in order or by a reset: what was received.
  public String readToTheEnd() throws IOException {
    try {
      return readUntil(_ -> false);
    } catch (SocketException e) {
      return received.toString(StandardCharsets.UTF_8);
    }
  }

  /// Reads so many bytes.
  ///
  /// @throws EOFException when the server has closed before
  public byte[] read(int count) throws IOException {
    byte[] bytes = socket.getInputStream().readNBytes(count);
    if (bytes.length < count) {
      throw new EOFException("%d bytes of %d came".formatted(bytes.length, count));
    }
    return bytes;
  }

  /// Reads one byte; -1 when the server has closed.
  public int readByte() throws IOException {
    int read = socket.getInputStream().read();
    if (read >= 0) {
      received.write(read);
    }
    return read;
  }

  /// Reads until the server closes, in order or by a reset behind the reply.
  public Reply readReply() throws IOException {
    readToTheEnd();
    byte[] all = received.toByteArray();
    String latin = new String(all, StandardCharsets.ISO_8859_1);
    int end = latin.indexOf("\r\n\r\n");
    if (end < 0) {
      throw new EOFException("no reply, but: " + latin);
    }
    String head = latin.substring(0, end);
    String body = latin.substring(end + 4);
    if (head.toLowerCase(Locale.ROOT).contains("transfer-encoding: chunked")) {
      body = unchunk(body);
    }
    Reply reply =
        new Reply(
            head, new String(body.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8));
    int length = body.length();
    if (reply.header("content-length").map(Integer::parseInt).orElse(length) != length) {
      throw new EOFException("%d bytes came of: %s".formatted(length, head));
    }
    return reply;
  }

  private static String unchunk(String chunked) {
    StringBuilder body = new StringBuilder();
    int at = 0;
    while (true) {
      int line = chunked.indexOf("\r\n", at);
      int length = Integer.parseInt(chunked.substring(at, line), 16);
      if (length == 0) {
        return body.toString();
      }
      body.append(chunked, line + 2, line + 2 + length);
      at = line + 2 + length + 2;
    }
  }

  /// Sends no more, and goes on reading.
  public void closeSendingSide() throws IOException {
    socket.shutdownOutput();
  }

  /// Goes away without a word.
  @Override
  public void close() throws IOException {
    socket.close();
  }
}
