package io.heliograph.device;

import java.security.cert.CertificateException;
import java.util.Collections;
import java.util.Map;

/**
 * Replaces the device's certificate before it expires. The old pair stays until a connection with the new one has been
 * accepted; the service keeps both valid until it hears that the new one is in use.
 */
final class Renewal {
  static final long LOOK_EVERY_MS = 12 * 3600 * 1000L;
  static final long ASK_AT_MOST_EVERY_MS = 3600 * 1000L;
  /** Attempts with a new certificate before one with the old: a network fault is not a refusal. */
  static final int TRIES_WITH_NEXT = 3;

  /** What the renewal asks of the device around it. */
  interface Parts extends Request.Send {
    /** Ends the connection and makes a new one at once. */
    void reconnect();

    void report(HeliographDeviceException failure);

    void log(String line);
  }

  private final IdentityStore identity;
  private final Keys keys;
  private final Loop loop;
  private final Parts parts;
  private Runnable stopLooking = () -> {};
  /** By the loop's uptime; null: never. */
  private Long askedAt;

  private int failuresWithNext;

  Renewal(IdentityStore identity, Keys keys, Loop loop, Parts parts) {
    this.identity = identity;
    this.keys = keys;
    this.loop = loop;
    this.parts = parts;
  }

  /** What to connect with: the new pair, and now and then the old one while the new one fails. */
  Credentials credentials() {
    Credentials next = identity.current().next;
    boolean isTried = next != null && next.certificate != null && failuresWithNext < TRIES_WITH_NEXT;
    return isTried ? next : identity.current().activated.credentials;
  }

  void onFailed(Credentials used) {
    failuresWithNext = isNext(used) ? failuresWithNext + 1 : 0;
  }

  /** Settles which pair counts from now on, then looks whether a renewal is due. */
  void onConnected(Credentials used) {
    try {
      settle(used);
    } catch (HeliographDeviceException e) {
      parts.report(e);
    }
    look();
  }

  void onDisconnected() {
    stopLooking.run();
  }

  /** {@code heliograph/certificate} */
  void onCertificate(Map<String, Object> message) throws HeliographDeviceException {
    Credentials next = identity.current().next;
    String certificate = Json.nameAt(message, "certificate");
    if (next == null || certificate == null) return;
    Credentials pair = new Credentials(next.key, certificate);
    if (!isForThisDevice(pair)) {
      String text = "the service sent a certificate that is not for this device; the old one stays in use";
      parts.report(Fault.BadMessage.with(text));
      return;
    }
    identity.change(kept -> kept.withNext(pair));
    parts.log("a new certificate has come: connecting with it");
    parts.reconnect();
  }

  private boolean isForThisDevice(Credentials pair) throws HeliographDeviceException {
    try {
      String name = Certificates.commonName(pair.certificate);
      return identity.current().activated.deviceId.equals(name) && keys.match(pair);
    } catch (CertificateException e) {
      return false;
    }
  }

  private boolean isNext(Credentials used) {
    return used == identity.current().next;
  }

  private void settle(Credentials used) throws HeliographDeviceException {
    failuresWithNext = 0;
    Identity current = identity.current();
    if (current.next == null || current.next.certificate == null) return;
    boolean isNext = isNext(used);
    String replaced = isNext ? current.activated.credentials.key : current.next.key;
    Activated settled = isNext ? current.activated.with(used) : current.activated;
    identity.change(kept -> kept.withActivated(settled).withNext(null));
    keys.delete(replaced);
    parts.log(isNext ? "the new certificate is in use" : "the new certificate was refused");
    if (isNext) parts.send(Request.renew, Collections.singletonMap("inUse", true));
  }

  private void look() {
    stopLooking.run();
    stopLooking = loop.after(LOOK_EVERY_MS, this::look);
    Activated activated = identity.current().activated;
    if (activated.topicOf(Request.renew) == null) return;
    if (Certificates.age(activated.credentials.certificate, loop.now()) == Certificates.Age.FRESH) return;
    if (askedAt != null && loop.uptime() - askedAt < ASK_AT_MOST_EVERY_MS) return;
    askedAt = loop.uptime();
    try {
      ask();
    } catch (HeliographDeviceException e) {
      parts.report(e);
    }
  }

  /** The key is kept before the request leaves, and used again where the answer was lost. */
  private void ask() throws HeliographDeviceException {
    Credentials before = identity.current().next;
    String key = before == null ? keys.create() : before.key;
    identity.change(kept -> kept.withNext(new Credentials(key, null)));
    parts.send(Request.renew, Collections.singletonMap("csr", keys.request(key)));
    parts.log("a new certificate has been asked for");
  }
}
