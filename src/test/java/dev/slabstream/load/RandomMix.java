package dev.slabstream.load;

import dev.slabstream.api.RawHttp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Random requests: prompts of 5 to 400 tokens, mostly short, and 8 to 72 new ones, greedy and
/// sampled, with stop strings, in sessions of two turns, and some whose client goes away.
/// Thread-safe.
final class RandomMix {
  private static final int SESSION_EVERY = 5;
  private static final int LEAVE_EVERY = 20;
  private static final long LEAVE_AFTER_MILLIS = 300;

  private final int port;
  private final Random random;
  private final Prompts prompts;
  private int numRequests;

  private record Request(int number, String inputs, ObjectNode parameters) {}

  RandomMix(int port, long seed) {
    this.port = port;
    random = new Random(seed);
    prompts = new Prompts(seed);
  }

  /// Sends the next one, or the two of a session, and reads to the end.
  List<Answer> next() throws IOException, InterruptedException {
    Request request = random();
    if (request.number % SESSION_EVERY == 0) {
      return inSession(request, random());
    }
    TokenStream stream = TokenStream.open(port, request.inputs, request.parameters, "");
    if (request.number % LEAVE_EVERY == 1) {
      Thread.sleep(LEAVE_AFTER_MILLIS);
      stream.close();
    }
    return List.of(stream.await());
  }

  private List<Answer> inSession(Request first, Request second)
      throws IOException, InterruptedException {
    String opened = RawHttp.post(port, "/sessions", "{}").body();
    String session = JsonMapper.shared().readTree(opened).path("id").stringValue();
    Answer begun = TokenStream.open(port, first.inputs, first.parameters, session).await();
    List<Answer> turns = new ArrayList<>(List.of(begun));
    if (begun.isGood()) {
      String inputs = first.inputs + second.inputs;
      turns.add(TokenStream.open(port, inputs, second.parameters, session).await());
    }
    RawHttp.exchange(port, "DELETE", "/sessions/" + session, "");
    return turns;
  }

  private synchronized Request random() {
    String inputs = prompts.next((int) Math.exp(random.nextDouble(Math.log(5), Math.log(400))));
    ObjectNode parameters = TokenStream.parameters(random.nextInt(8, 73));
    if (random.nextBoolean()) {
      parameters.put("temperature", 0.8).put("top_p", 0.9).put("seed", random.nextInt(1 << 20));
    }
    if (random.nextInt(4) == 0) {
      parameters.putArray("stop").add("\n\n").add("The end");
    }
    return new Request(++numRequests, inputs, parameters);
  }
}
