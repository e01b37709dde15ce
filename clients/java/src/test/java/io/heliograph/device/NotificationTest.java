package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NotificationTest {
  @Test
  void keepsThePayloadAsItWasWritten() {
    String payload = "{ \"n\": 123456789012345678901234567890, \"a\":1,\"a\":2, \",\\\"payload\\\":\": {} }";
    Notification read = Notification.parse("{\"id\":\"1\",\"topic\":\"t\",\"acceptedAt\":5,\"seq\":\"S\",\"payload\":" + payload + "}");
    assertEquals(payload, read.payloadText());
    assertEquals(2L, read.payload().get("a"));
    assertEquals(Optional.of("S"), read.seq());
    assertEquals("alert 10 0", read.pushType() + " " + read.priority() + " " + read.expiration());
    assertFalse(read.isStored() || read.collapseId().isPresent() || read.uniqueId().isPresent());
    assertEquals("notification 1 for t", read.toString());
  }

  @Test
  void keepsALongNumberAsItWasWritten() {
    String payload = "{\"n\":" + "7".repeat(2_000) + "}";
    Notification read = Notification.parse("{\"id\":\"1\",\"topic\":\"t\",\"acceptedAt\":5,\"payload\":" + payload + "}");
    assertEquals(payload, read.payloadText());
    assertEquals(Double.POSITIVE_INFINITY, read.payload().get("n"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"topic\":\"t\",\"acceptedAt\":5,\"payload\":{}}",
        "{\"id\":\"\",\"topic\":\"t\",\"acceptedAt\":5,\"payload\":{}}",
        "{\"id\":\"1\",\"acceptedAt\":5,\"payload\":{}}",
        "{\"id\":\"1\",\"topic\":\"t\",\"acceptedAt\":\"5\",\"payload\":{}}",
        "{\"id\":\"1\",\"topic\":\"t\",\"acceptedAt\":5}",
        "{\"id\":1,\"topic\":\"t\",\"acceptedAt\":5,\"payload\":{}}"
      })
  void refusesWhatIsNone(String text) {
    assertNull(Notification.parse(text));
  }
}
