package io.heliograph.device;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON as maps, lists, strings, booleans, {@code Long} or {@code Double}, and null. */
final class Json {
  private Json() {}

  /** The object in a JSON text, or null if it is not an object. */
  static Map<String, Object> parseObject(String text) {
    JsonReader reader = new JsonReader(new StringReader(LongNumbers.shortened(text)));
    reader.setStrictness(Strictness.STRICT);
    // What the service sends is bounded in length, and nothing here recurses.
    reader.setNestingLimit(Integer.MAX_VALUE);
    try {
      Object value = read(reader);
      return reader.peek() == JsonToken.END_DOCUMENT ? asObject(value) : null;
    } catch (IOException | IllegalStateException | NumberFormatException e) {
      return null;
    }
  }

  /** Keeps what is open on a stack of its own: nested arrays must not use up the thread's. */
  private static Object read(JsonReader reader) throws IOException {
    Deque<Open> open = new ArrayDeque<>();
    while (true) {
      Open inner = open.peek();
      if (inner != null && !reader.hasNext()) {
        inner.end(reader);
        open.pop();
        if (open.isEmpty()) return inner.value();
        continue;
      }
      if (inner != null) inner.readName(reader);
      Open opened = Open.begin(reader);
      Object value = opened == null ? readSimple(reader) : opened.value();
      if (inner != null) inner.add(value);
      if (opened != null) open.push(opened);
      else if (inner == null) return value;
    }
  }

  private static Object readSimple(JsonReader reader) throws IOException {
    switch (reader.peek()) {
      case STRING:
        return reader.nextString();
      case BOOLEAN:
        return reader.nextBoolean();
      case NUMBER:
        return number(reader.nextString());
      default:
        reader.nextNull();
        return null;
    }
  }

  private static Object number(String text) {
    try {
      return Long.valueOf(text);
    } catch (NumberFormatException e) {
      return Double.valueOf(text);
    }
  }

  /** An array or an object whose end has not come yet. */
  private static final class Open {
    private final Map<String, Object> map;
    private final List<Object> list;
    private String name;

    private Open(Map<String, Object> map, List<Object> list) {
      this.map = map;
      this.list = list;
    }

    static Open begin(JsonReader reader) throws IOException {
      JsonToken next = reader.peek();
      if (next == JsonToken.BEGIN_OBJECT) {
        reader.beginObject();
        return new Open(new LinkedHashMap<>(), null);
      }
      if (next != JsonToken.BEGIN_ARRAY) return null;
      reader.beginArray();
      return new Open(null, new ArrayList<>());
    }

    Object value() {
      return map == null ? Collections.unmodifiableList(list) : Collections.unmodifiableMap(map);
    }

    void readName(JsonReader reader) throws IOException {
      if (map != null) name = reader.nextName();
    }

    void add(Object value) {
      if (map == null) list.add(value);
      else map.put(name, value);
    }

    void end(JsonReader reader) throws IOException {
      if (map == null) reader.endArray();
      else reader.endObject();
    }
  }

  /** The JSON text of an object that this SDK has made; entries without a value are left out. */
  static String write(Map<String, ?> object) {
    StringWriter text = new StringWriter();
    try {
      JsonWriter writer = new JsonWriter(text);
      writer.setSerializeNulls(false);
      writeValue(writer, object);
      writer.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a StringWriter never fails
    }
    return withoutLoneSurrogates(text.toString());
  }

  /** Half a character has no UTF-8, and would come back as a question mark: it is written as an escape. */
  private static String withoutLoneSurrogates(String text) {
    if (StandardCharsets.UTF_8.newEncoder().canEncode(text)) return text;
    StringBuilder written = new StringBuilder(text.length());
    for (int at = 0; at < text.length(); ) {
      int one = text.codePointAt(at);
      boolean isLone = one >= Character.MIN_SURROGATE && one <= Character.MAX_SURROGATE;
      if (isLone) written.append("\\u").append(Integer.toHexString(one));
      else written.appendCodePoint(one);
      at += Character.charCount(one);
    }
    return written.toString();
  }

  private static void writeValue(JsonWriter writer, Object value) throws IOException {
    if (value instanceof Map) {
      writer.beginObject();
      for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
        writer.name((String) entry.getKey());
        writeValue(writer, entry.getValue());
      }
      writer.endObject();
    } else if (value instanceof Iterable) {
      writer.beginArray();
      for (Object item : (Iterable<?>) value) writeValue(writer, item);
      writer.endArray();
    } else if (value instanceof Number) {
      writer.value((Number) value);
    } else if (value instanceof Boolean) {
      writer.value((Boolean) value);
    } else {
      writer.value((String) value);
    }
  }

  /** A map that is filled in the order of writing. */
  static Map<String, Object> object() {
    return new LinkedHashMap<>();
  }

  @SuppressWarnings("unchecked") // all maps here come from parseObject
  static Map<String, Object> asObject(Object value) {
    return value instanceof Map ? (Map<String, Object>) value : null;
  }

  /** The object at a key, or an empty one. */
  static Map<String, Object> objectAt(Map<String, Object> object, String key) {
    Map<String, Object> value = asObject(object.get(key));
    return value == null ? Collections.emptyMap() : value;
  }

  static String textAt(Map<String, Object> object, String key) {
    Object value = object.get(key);
    return value instanceof String ? (String) value : null;
  }

  /** The text at a key, or null where it is absent, empty or not a text. */
  static String nameAt(Map<String, Object> object, String key) {
    String text = textAt(object, key);
    return text == null || text.isEmpty() ? null : text;
  }

  static Number numberAt(Map<String, Object> object, String key) {
    Object value = object.get(key);
    return value instanceof Number ? (Number) value : null;
  }

  static List<?> listAt(Map<String, Object> object, String key) {
    Object value = object.get(key);
    return value instanceof List ? (List<?>) value : Collections.emptyList();
  }
}
