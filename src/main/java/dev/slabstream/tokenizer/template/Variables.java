package dev.slabstream.tokenizer.template;

import dev.slabstream.tokenizer.template.Value.Bool;
import dev.slabstream.tokenizer.template.Value.Int;
import dev.slabstream.tokenizer.template.Value.None;
import dev.slabstream.tokenizer.template.Value.Real;
import dev.slabstream.tokenizer.template.Value.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Makes values of what a rendering is given. All of it comes from elsewhere, except the two tokens that the server itself
/// takes from the model's files.
final class Variables {
  private static final Set<String> SERVER_TOKENS = Set.of("bos_token", "eos_token");

  private final Budget budget;

  Variables(Budget budget) {
    this.budget = budget;
  }

  Scope scope(Map<String, Object> variables, Scope outer) {
    Scope scope = new Scope(outer);
    for (Map.Entry<String, Object> variable : variables.entrySet()) {
      String name = variable.getKey();
      boolean isServerToken = SERVER_TOKENS.contains(name) && variable.getValue() instanceof String;
      scope.set(
          name,
          isServerToken
              ? Text.fromTemplate((String) variable.getValue())
              : value(name, variable.getValue()));
    }
    return scope;
  }

  private Value value(String where, @Nullable Object object) {
    budget.enter();
    Value value =
        switch (object) {
          case null -> None.NONE;
          case String string -> Text.fromElsewhere(string);
          case Boolean bool -> Bool.of(bool);
          case Integer number -> new Int(number);
          case Long number -> new Int(number);
          case Double number -> new Real(number);
          case List<?> list -> {
            List<Value> items = new ArrayList<>(list.size());
            for (Object item : list) {
              items.add(value(where, item));
            }
            yield Sequence.list(items);
          }
          case Map<?, ?> map -> {
            Dict dict = new Dict();
            for (Map.Entry<?, ?> entry : map.entrySet()) {
              dict.put(value(where, entry.getKey()), value(where, entry.getValue()));
            }
            yield dict;
          }
          default ->
              throw new TemplateFailure(
                  "the variable '" + where + "' holds a " + object.getClass().getSimpleName());
        };
    budget.leave();
    return value;
  }
}
