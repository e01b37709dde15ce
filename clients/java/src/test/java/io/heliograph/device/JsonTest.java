package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Arrays;
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

  @Test
  void writesWhatItReads() {
    String text = "{\"a\":[1,\"x\",true],\"b\":{\"c\":\"\\\"\\n\"}}";
    assertEquals(text, Json.write(Json.parseObject(text)));
  }
}
