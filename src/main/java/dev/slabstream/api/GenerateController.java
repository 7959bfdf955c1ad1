package dev.slabstream.api;

import dev.slabstream.generation.ErrorType;
import dev.slabstream.generation.GenerateParameters;
import dev.slabstream.generation.GenerateRequest;
import dev.slabstream.generation.GenerationEvent;
import dev.slabstream.generation.GenerationException;
import dev.slabstream.generation.GenerationService;
import dev.slabstream.generation.Sessions;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/// `POST /generate` and `POST /generate_stream`.
///
/// Nothing is written before the generation is admitted, so whatever is refused has a status; from
/// then on a failure is an event of the stream. A client that goes away cancels the subscription,
/// and with it the generation.
@RestController
final class GenerateController {
  private static final int SLICE_BYTES = 16 << 10;

  private final GenerationService service;
  private final Sessions sessions;
  private final RequestBodies bodies;
  private final RequestParser parser;
  private final ApiSettings settings;

  GenerateController(
      GenerationService service, Sessions sessions, ApiSettings settings, BodyBudget budget) {
    this.service = service;
    this.sessions = sessions;
    this.settings = settings;
    this.bodies = new RequestBodies(settings.maxBodyBytes(), settings.bodyTimeout(), budget);
    this.parser = new RequestParser(settings.unknownParameters());
  }

  /// An explicit `stream` decides; without it `Accept: text/event-stream` asks for events.
  @PostMapping(
      path = "/generate",
      consumes = MediaType.APPLICATION_JSON_VALUE,
      produces = {MediaType.APPLICATION_JSON_VALUE, MediaType.TEXT_EVENT_STREAM_VALUE})
  Mono<Void> generate(ServerWebExchange exchange) {
    return bodies.read(
        exchange.getRequest(),
        body -> {
          RequestParser.Call call = parse(body);
          boolean stream =
              call.stream() != null ? call.stream() : acceptsEvents(exchange.getRequest());
          return stream ? stream(call.request(), exchange) : whole(call.request(), exchange);
        });
  }

  /// Streams whatever `stream` says.
  @PostMapping(
      path = "/generate_stream",
      consumes = MediaType.APPLICATION_JSON_VALUE,
      produces = {MediaType.TEXT_EVENT_STREAM_VALUE, MediaType.APPLICATION_JSON_VALUE})
  Mono<Void> generateStream(ServerWebExchange exchange) {
    return bodies.read(exchange.getRequest(), body -> stream(parse(body).request(), exchange));
  }

  private RequestParser.Call parse(byte[] body) {
    return Contained.call(() -> parser.generate(body));
  }

  private Mono<Void> stream(GenerateRequest request, ServerWebExchange exchange) {
    Optional<String> session = SessionIds.of(exchange.getRequest());
    if (wants(request, session, GenerateParameters::decoderInputDetails)) {
      return Mono.error(
          new GenerationException(
              ErrorType.VALIDATION,
              "`decoder_input_details` is not available for streams",
              Parameter.DECODER_INPUT_DETAILS.fieldName(),
              false,
              true));
    }
    boolean details = wants(request, session, GenerateParameters::details);
    return service
        .generate(request, session.orElse(null))
        .switchOnFirst(
            (first, events) ->
                first.isOnNext()
                    ? writeEvents(events, details, exchange.getResponse())
                    : events.then(Mono.<Void>error(GenerateController::endedUnadmitted)))
        .then();
  }

  private Mono<Void> writeEvents(
      Flux<GenerationEvent> events, boolean details, ServerHttpResponse response) {
    HttpHeaders headers = response.getHeaders();
    headers.setContentType(MediaType.TEXT_EVENT_STREAM);
    headers.setCacheControl(CacheControl.noCache());
    headers.set("X-Accel-Buffering", "no");
    return response.writeAndFlushWith(
        Mono.just(
            StreamConnection.of(response)
                .write(
                    EventStream.of(events, details, settings.keepAlive(), Schedulers.parallel()))));
  }

  private Mono<Void> whole(GenerateRequest request, ServerWebExchange exchange) {
    Optional<String> session = SessionIds.of(exchange.getRequest());
    boolean details =
        wants(request, session, GenerateParameters::details)
            || wants(request, session, GenerateParameters::decoderInputDetails);
    return service
        .generate(request, session.orElse(null))
        .collect(
            () -> new WholeReply(details, System::nanoTime),
            (reply, event) -> Contained.run(() -> reply.add(event)))
        .flatMap(reply -> Contained.call(() -> write(reply, request, exchange.getResponse())));
  }

  private static Mono<Void> write(
      WholeReply reply, GenerateRequest request, ServerHttpResponse response) {
    byte[] body = WireJson.bytes(reply.body());
    HttpHeaders headers = response.getHeaders();
    reply.writeHeaders(headers, request.inputs());
    headers.setContentType(MediaType.APPLICATION_JSON);
    headers.setContentLength(body.length);
    return response.writeWith(Flux.fromIterable(slices(body, response.bufferFactory())));
  }

  /// In pieces, so that a client which takes them slowly can be told from one that takes none.
  private static List<DataBuffer> slices(byte[] body, DataBufferFactory buffers) {
    List<DataBuffer> slices = new ArrayList<>();
    for (int at = 0; at < body.length; at += SLICE_BYTES) {
      slices.add(
          buffers.wrap(ByteBuffer.wrap(body, at, Math.min(SLICE_BYTES, body.length - at)).slice()));
    }
    return slices;
  }

  /// What the request says, or else the defaults of its session.
  private boolean wants(
      GenerateRequest request,
      Optional<String> session,
      Function<GenerateParameters, @Nullable Boolean> flag) {
    Boolean sent = flag.apply(request.parameters());
    if (sent == null && session.isPresent()) {
      sent = flag.apply(sessions.get(session.get()).defaults());
    }
    return Boolean.TRUE.equals(sent);
  }

  private static boolean acceptsEvents(ServerHttpRequest request) {
    return request.getHeaders().getAccept().stream()
        .anyMatch(type -> type.equalsTypeAndSubtype(MediaType.TEXT_EVENT_STREAM));
  }

  private static GenerationException endedUnadmitted() {
    return new GenerationException(
        ErrorType.GENERATION, "the generation ended before it was admitted");
  }
}
