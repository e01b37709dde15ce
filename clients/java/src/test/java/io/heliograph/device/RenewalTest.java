package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RenewalTest {
  @TempDir Path directory;
  private final TestDevice device = new TestDevice();
  private IdentityStore identity;
  private Renewal renewal;

  private void open(long daysBefore, long daysAfter) throws Exception {
    identity = device.activated(directory, daysBefore, daysAfter);
    renewal = new Renewal(identity, device.keys, device.loop, device);
  }

  private void answer(String certificate) throws Exception {
    renewal.onCertificate(Collections.singletonMap("certificate", certificate));
  }

  private String nextCertificate(String name) throws Exception {
    long now = device.loop.now();
    return TestPair.certificate(identity.current().next.key, name, now, now + 90 * TestPair.DAY_MS);
  }

  @Test
  void asksWhenLessThanAThirdIsLeftAndStoresTheKeyFirst() throws Exception {
    open(50, 40);
    renewal.onConnected(renewal.credentials());
    assertTrue(device.sent.isEmpty());
    device.loop.advance(11 * TestPair.DAY_MS);
    assertTrue(device.sent.get(0).startsWith("renew {\"csr\":"));
    assertNotNull(IdentityStore.open(directory, device.keys).current().next);
  }

  @Test
  void asksAtMostOnceAnHourWithTheSameKey() throws Exception {
    open(80, 10);
    for (int i = 0; i < 5; i++) renewal.onConnected(renewal.credentials());
    assertEquals(1, device.sent.size());
    String key = identity.current().next.key;
    device.loop.clockOffset -= 365 * TestPair.DAY_MS / 100;
    device.loop.advance(Renewal.ASK_AT_MOST_EVERY_MS);
    renewal.onConnected(renewal.credentials());
    assertEquals(2, device.sent.size());
    assertEquals(key, identity.current().next.key);
  }

  @Test
  void changesOverOnceTheNewPairHasConnected() throws Exception {
    open(80, 10);
    Credentials old = renewal.credentials();
    renewal.onConnected(old);
    String certificate = nextCertificate(TestDevice.ID);
    answer(certificate);
    assertEquals(1, device.reconnects);
    Credentials used = renewal.credentials();
    assertEquals(certificate, used.certificate);
    assertEquals(old.key, identity.current().activated.credentials.key);
    renewal.onConnected(used);
    assertEquals("renew {\"inUse\":true}", device.sent.get(1));
    Identity kept = IdentityStore.open(directory, device.keys).current();
    assertEquals(certificate, kept.activated.credentials.certificate);
    assertNull(kept.next);
  }

  @Test
  void comesBackWithTheOldPairWhileTheNewOneIsRefused() throws Exception {
    open(80, 10);
    Credentials old = renewal.credentials();
    renewal.onConnected(old);
    answer(nextCertificate(TestDevice.ID));
    for (int i = 0; i < Renewal.TRIES_WITH_NEXT; i++) {
      Credentials tried = renewal.credentials();
      assertSame(identity.current().next, tried);
      renewal.onFailed(tried);
    }
    assertSame(identity.current().activated.credentials, renewal.credentials());
    renewal.onConnected(renewal.credentials());
    assertEquals(1, device.sent.size());
    assertNull(identity.current().next);
  }

  @Test
  void refusesACertificateForAnotherKeyOrDevice() throws Exception {
    open(80, 10);
    answer(TestPair.make(TestDevice.ID, 0, 1_000_000).certificate);
    assertTrue(device.heard.isEmpty()); // nothing was asked for
    renewal.onConnected(renewal.credentials());
    answer(TestPair.make(TestDevice.ID, 0, 1_000_000).certificate);
    answer(nextCertificate("another"));
    answer("no certificate");
    assertEquals(Collections.nCopies(3, "error BadMessage"), device.heard);
    assertEquals(0, device.reconnects);
  }
}
