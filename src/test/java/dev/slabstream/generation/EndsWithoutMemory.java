package dev.slabstream.generation;

import ch.qos.logback.classic.Logger;
import dev.slabstream.engine.AdmissionGate;
import dev.slabstream.engine.FinishReason;
import dev.slabstream.engine.NonFiniteLogitsException;
import dev.slabstream.engine.Phase;
import dev.slabstream.engine.QueueStats;
import dev.slabstream.engine.SequenceHandle;
import dev.slabstream.engine.SequenceRequest;
import dev.slabstream.engine.TimeLimitException;
import dev.slabstream.engine.TimeLimitException.Limit;
import dev.slabstream.kvcache.CacheScope;
import dev.slabstream.sampling.SampledToken;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import reactor.core.scheduler.Schedulers;

/// Ends requests in every way while the heap is full but for so many bytes, from none to more than enough, and looks whether they
/// end. Runs in a JVM of its own; see [EndsWithoutMemoryTest].
final class EndsWithoutMemory {
  private static final SampledToken TOKEN = new SampledToken('a', -0.5f, List.of());
  private static final Throwable IN_A_STEP = new ArithmeticException("injected");
  private static final Throwable NOT_FINITE = new NonFiniteLogitsException(1);
  private static final Throwable QUEUE_TIME = new TimeLimitException(Limit.QUEUE_TIME);
  private static final Throwable REQUEST_TIME = new TimeLimitException(Limit.REQUEST_TIME);

  /// How a request comes to its end; the heap is full then.
  enum Way {
    CANCELLED_BEFORE_IT_IS_SUBMITTED {
      @Override
      void end(Request request) {
        request.generation.cancel(Cancellation.SESSION_DELETED);
      }
    },
    LEFT_BY_ITS_CLIENT_BEFORE_IT_IS_SUBMITTED {
      @Override
      void end(Request request) {
        request.generation.cancel(Cancellation.CLIENT_GONE);
      }
    },
    TOO_LATE_FOR_THE_TOKENIZER {
      @Override
      void end(Request request) {
        request.late = true;
        request.generation.run();
      }
    },
    REFUSED_BY_ITS_LENGTH {
      @Override
      String inputs() {
        return "!".repeat(64);
      }

      @Override
      void end(Request request) {
        request.generation.run();
      }
    },
    REFUSED_BY_THE_ENGINE {
      @Override
      void end(Request request) {
        request.refuse = true;
        request.generation.run();
      }
    },
    CANCELLED {
      @Override
      void end(Request request) {
        request.generation.cancel(Cancellation.SESSION_DELETED);
        request.generation.onCancelled(Phase.DECODE, FakeEngine.Submission.TIMES);
      }
    },
    CANCELLED_BY_THE_ENGINE {
      @Override
      void end(Request request) {
        request.generation.onCancelled(Phase.QUEUED, FakeEngine.Submission.TIMES);
      }
    },
    FAILED_IN_A_STEP {
      @Override
      void end(Request request) {
        request.generation.onFailed(IN_A_STEP, FakeEngine.Submission.TIMES);
      }
    },
    WITHOUT_LOGITS {
      @Override
      void end(Request request) {
        request.generation.onFailed(NOT_FINITE, FakeEngine.Submission.TIMES);
      }
    },
    TOO_LATE_FOR_THE_ENGINE {
      @Override
      void end(Request request) {
        request.generation.onFailed(QUEUE_TIME, FakeEngine.Submission.TIMES);
      }
    },
    TOO_LONG {
      @Override
      void end(Request request) {
        request.generation.onFailed(REQUEST_TIME, FakeEngine.Submission.TIMES);
      }
    },
    FINISHED {
      @Override
      void end(Request request) {
        request.generation.onFinished(FinishReason.LENGTH, FakeEngine.Submission.TIMES);
      }
    };

    String inputs() {
      return "hi";
    }

    /// Whether the engine has it, and a token of it.
    boolean submitted() {
      return compareTo(REFUSED_BY_THE_ENGINE) > 0;
    }

    abstract void end(Request request);
  }

  private static final ByteTokenizer TOKENIZER = ByteTokenizer.withSpecials("<eos>");
  private static final TokenTexts TEXTS = new TokenTexts(TOKENIZER);
  private static final ServedModel MODEL =
      new ServedModel(64, 1000, TOKENIZER.vocabSize(), new int[] {TOKENIZER.special(0)});

  /// One request, with everything around it that can be told.
  static final class Request implements Generation.Owner, SequenceHandle {
    final Way way;
    final int room;
    final AdmissionGate gate = new AdmissionGate(3, 100, () -> 0);
    final Generation generation;
    boolean late;
    boolean refuse;
    int ended;
    int left;
    int completions;
    @Nullable Throwable error;
    boolean thrown;

    Request(Way way, int room) {
      this.way = way;
      this.room = room;
      GenerationSettings settings = GenerationSettings.DEFAULTS;
      generation =
          new Generation(
              way.inputs(),
              new ParameterValidator(settings, TOKENIZER.vocabSize(), () -> 1)
                  .validate(ParametersBuilder.parameters(p -> p.maxNewTokens(10))),
              new GenerationContext(
                  MODEL,
                  TOKENIZER,
                  TEXTS,
                  new PromptEncoder(TOKENIZER, TEXTS, MODEL, settings),
                  settings,
                  Schedulers.immediate(),
                  () -> late ? Duration.ofHours(1).toNanos() : 0),
              this);
      // As the service does: what comes past the events ends them.
      var unused =
          generation
              .events()
              .takeUntilOther(generation.abandonment())
              .subscribe(_ -> {}, e -> error = e, () -> completions++);
      generation.waitAt(gate.enter(2));
      if (way.submitted()) {
        generation.run();
        generation.onAdmitted();
        generation.onToken(0, TOKEN);
      }
    }

    void end() {
      try {
        way.end(this);
      } catch (Throwable e) {
        thrown = true;
      }
    }

    void check() {
      boolean well =
          ended == 1
              && left == 1
              && completions + (error == null ? 0 : 1) == 1
              && gate.stats().equals(new QueueStats(0, 0));
      if (!well) {
        throw new IllegalStateException(
            "%s with %d bytes: freed %d times, left %d times, completed %d times, told %s, queue %s"
                .formatted(way, room, ended, left, completions, error, gate.stats()));
      }
    }

    /// Whether it ended as it does with memory enough.
    boolean endedProperly() {
      return !thrown && (way == Way.FINISHED ? completions == 1 : error != Ending.NO_MEMORY);
    }

    @Override
    public void withdraw(Generation generation) {}

    @Override
    public void ended(Generation generation) {
      ended++;
    }

    @Override
    public void report(GenerationObserver.Report report) {}

    @Override
    public void left(Generation generation) {
      left++;
    }

    @Override
    public SequenceHandle submit(SequenceRequest request, AdmissionGate.Place place) {
      if (refuse) {
        throw new IllegalStateException("closed");
      }
      return this;
    }

    @Override
    public int retryAfterSeconds() {
      return gate.retryAfterSeconds();
    }

    @Override
    public @Nullable CacheScope cacheScope() {
      return null;
    }

    @Override
    public void cancel() {}

    @Override
    public void pause() {}

    @Override
    public void resume() {}
  }

  private static final AdmissionGate GATE =
      new AdmissionGate(Integer.MAX_VALUE, Integer.MAX_VALUE, () -> 0);
  private static final AdmissionGate.Place[] PLACES = new AdmissionGate.Place[1000];

  private EndsWithoutMemory() {}

  /// Requests that come to the queue until one finds no memory for its place.
  private static int enterUntilThereIsNoMemory(FullHeap heap) {
    heap.give(1000);
    int entered = 0;
    try {
      while (true) {
        PLACES[entered] = GATE.enter(1);
        entered++;
      }
    } catch (OutOfMemoryError e) {
      return entered;
    }
  }

  public static void main(String[] args) {
    // Events for the log are made, and go nowhere.
    ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME))
        .detachAndStopAllAppenders();
    List<Request> requests = new ArrayList<>();
    for (Way way : Way.values()) {
      Request withRoom = new Request(way, Integer.MAX_VALUE);
      withRoom.end();
      withRoom.check();
      for (int room = 0; room <= 1 << 14; room = Math.max(64, 2 * room)) {
        requests.add(new Request(way, room));
      }
    }
    FullHeap heap = new FullHeap();
    heap.fill();
    for (int i = 0; i < requests.size(); i++) {
      heap.give(requests.get(i).room);
      requests.get(i).end();
    }
    int entered = enterUntilThereIsNoMemory(heap);
    heap.free();
    requests.forEach(Request::check);
    for (Way way : Way.values()) {
      long properly = requests.stream().filter(r -> r.way == way && r.endedProperly()).count();
      long all = requests.stream().filter(r -> r.way == way).count();
      System.out.println(way + " " + (all - properly) + " " + properly);
    }
    int counted = GATE.stats().requests();
    if (counted != entered) {
      throw new IllegalStateException("%d places taken, %d counted".formatted(entered, counted));
    }
    System.out.println("ENTERED 1 " + entered);
  }
}
