package dev.slabstream.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;

/// The names that a record's components have in JSON.
final class JsonNames {
  private JsonNames() {}

  static String of(RecordComponent component) {
    JsonProperty property = component.getAccessor().getAnnotation(JsonProperty.class);
    return property == null ? component.getName() : property.value();
  }

  static List<String> of(Class<? extends Record> type) {
    return Arrays.stream(type.getRecordComponents()).map(JsonNames::of).toList();
  }
}
