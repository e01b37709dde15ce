package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void readsAllKindsOfValues() {
    Map<String, Object> read = Json.parseObject(" {\"a\":[1,2.5,-9007199254740993,1e3,true,null,\"\\u00e9\"],\"b\":{},\"c\":1,\"c\":2} ");
    List<Object> list = Arrays.asList(1L, 2.5, -9007199254740993L, 1000.0, true, null, "é");
    assertEquals(list, read.get("a"));
    assertEquals(Json.object(), read.get("b"));
    assertEquals(2L, read.get("c"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[]", "1", "null", "{", "{\"a\":1", "{a:1}", "{'a':1}", "{\"a\":NaN}", "{\"a\":01}", "{} x", "{\"a\":1,}", "{\"a\":TRUE}", "{\"a\":]}", "]"})
  void refusesWhatIsNoJsonObject(String text) {
    assertNull(Json.parseObject(text));
  }

  @Test
  void readsNestedArraysWithoutUsingUpTheStack() {
    int depth = 100_000;
    String text = "{\"a\":" + "[".repeat(depth) + "]".repeat(depth) + "}";
    assertNotNull(Json.parseObject(text));
  }

  /** Gson takes no number of 1,024 characters or more. */
  @ParameterizedTest
  @ValueSource(ints = {17, 999, 1_000, 1_022, 1_023, 1_024, 1_025, 100_000})
  void readsNumbersOfAnyLength(int digits) {
    String many = "7".repeat(digits);
    String quoted = "\\\"" + many;
    String text = "{\"a\":[" + many + ",-" + many + ",0." + many + ",1e-" + many + "],\"b\":\"" + quoted + "\"}";
    List<?> list = Json.listAt(Json.parseObject(text), "a");
    double large = Double.parseDouble(many);
    assertEquals(large, ((Number) list.get(0)).doubleValue());
    assertEquals(-large, ((Number) list.get(1)).doubleValue());
    assertEquals(Double.parseDouble("0." + many), list.get(2));
    assertEquals("\"" + many, Json.parseObject(text).get("b"));
  }

  @Test
  void refusesLongNumbersThatAreNone() {
    String many = "1".repeat(2_000);
    for (String number : new String[] {"0" + many, many + ".", "-", "." + many, many + "e", "+" + many, many + "-" + many, many + "x"})
      assertNull(Json.parseObject("{\"a\":" + number + "}"));
  }

  @Test
  void writesHalfACharacterSoThatItComesBack() {
    String halves = "a\ud800b\udc00\ud83d\ude00\ud800";
    String text = Json.write(Collections.singletonMap("a", halves));
    String read = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    assertEquals(halves, Json.parseObject(read).get("a"));
  }

  @Test
  void writesWhatItReads() {
    String text = "{\"a\":[1,\"x\",true],\"b\":{\"c\":\"\\\"\\n\"}}";
    assertEquals(text, Json.write(Json.parseObject(text)));
  }
}
