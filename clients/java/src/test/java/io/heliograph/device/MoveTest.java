package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MoveTest {
  @TempDir Path directory;
  private final TestDevice device = new TestDevice();
  private IdentityStore identity;
  private Move move;
  private Broker old;

  @BeforeEach
  void open() throws Exception {
    identity = device.activated(directory, 1, 89);
    move = new Move(identity, device.loop, () -> 0.5, device);
    old = identity.current().activated.mqtt;
  }

  private Map<String, Object> to(String host, long port) {
    Map<String, Object> mqtt = Json.object();
    mqtt.put("host", host);
    mqtt.put("port", port);
    mqtt.put("ca", old.ca);
    return Collections.singletonMap("mqtt", mqtt);
  }

  private void follow() throws Exception {
    move.onOpened(old);
    move.onMove(to("new.example", 8883));
    device.loop.advance(0);
    move.onDisconnected();
  }

  @Test
  void forgetsTheOldPlaceOnceTheNewOneHasAnswered() throws Exception {
    follow();
    assertEquals(1, device.reconnects);
    Broker place = move.broker();
    assertEquals("new.example:8883", place.toString());
    move.onOpened(place);
    move.settle();
    assertEquals(old, IdentityStore.open(directory, device.keys).current().activated.mqtt);
    device.hasEveryToken = false;
    move.onAccount();
    move.settle();
    assertNotNull(identity.current().move);
    device.hasEveryToken = true;
    move.settle();
    assertEquals(place, IdentityStore.open(directory, device.keys).current().activated.mqtt);
    assertNull(identity.current().move);
    assertEquals(Collections.singletonList("moved new.example:8883"), device.heard);
    move.onMove(to("third.example", 1));
    device.loop.advance(59_999);
    assertEquals(1, device.reconnects);
    device.loop.advance(1);
    assertEquals(2, device.reconnects);
  }

  @Test
  void goesBackAfterThreeFailuresRestsAndTriesAgain() throws Exception {
    follow();
    for (int i = 0; i < Move.TRIES; i++) move.onFailed(move.broker());
    assertEquals(old, move.broker());
    move.onOpened(old);
    device.loop.advance(59_999);
    assertEquals(old, move.broker());
    device.loop.advance(1);
    assertEquals(2, device.reconnects);
    assertEquals("new.example:8883", move.broker().toString());
    move.onDisconnected();
    for (int i = 0; i < Move.TRIES; i++) move.onFailed(move.broker());
    move.onFailed(move.broker()); // the old one cannot be reached either
    assertEquals("new.example:8883", move.broker().toString());
  }

  @Test
  void goesBackFromAPlaceThatDoesNotServeIt() throws Exception {
    follow();
    move.onOpened(move.broker());
    device.loop.advance(Move.PROOF_MS);
    assertEquals(2, device.reconnects);
    assertEquals(old, move.broker());
  }

  /** The answers of a place are no proof for another that it names. */
  @Test
  void goesToNoPlaceThatItHasNotDialed() throws Exception {
    follow();
    move.onOpened(move.broker());
    move.onMove(to("third.example", 8883));
    move.onAccount();
    move.settle();
    move.onMove(Collections.emptyMap());
    move.settle();
    assertEquals("third.example:8883", identity.current().move.toString());
    assertEquals(old, identity.current().activated.mqtt);
    device.loop.advance(0);
    assertEquals(2, device.reconnects);
    move.onDisconnected();
    move.onOpened(move.broker());
    move.settle();
    assertEquals(old, identity.current().activated.mqtt);
    move.onAccount();
    move.settle();
    assertEquals("third.example:8883", identity.current().activated.mqtt.toString());
  }

  @Test
  void refusesWhatCannotBeAPlaceOrMayNotBeOne() throws Exception {
    move.onOpened(old);
    for (String host : new String[] {"", "a b", "a/b", "x".repeat(254)}) move.onMove(to(host, 8883));
    for (long port : new long[] {0, 65_536, -1}) move.onMove(to("new.example", port));
    move.onMove(Collections.singletonMap("mqtt", "x"));
    assertEquals(Collections.nCopies(8, "error BadMessage"), device.heard);
    device.mayMove = false;
    move.onMove(to("new.example", 8883));
    assertEquals("error MoveRefused", device.heard.get(8));
    assertNull(identity.current().move);
  }

  @Test
  void staysWhereItIsWhenToldSoByTheOldPlaceOnly() throws Exception {
    follow();
    move.onOpened(move.broker());
    move.onMove(Collections.emptyMap());
    assertNotNull(identity.current().move);
    move.onDisconnected();
    move.onOpened(old);
    move.onMove(Collections.emptyMap());
    assertNull(IdentityStore.open(directory, device.keys).current().move);
  }
}
