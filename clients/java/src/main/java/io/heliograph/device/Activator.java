package io.heliograph.device;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.security.GeneralSecurityException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.DoubleSupplier;
import java.util.regex.Pattern;
import javax.net.ssl.SSLSocketFactory;

/**
 * Turns a code into an identity. The key is stored before the first request, so that a repeat after a lost answer carries
 * the same key, which the service answers with the same device.
 */
final class Activator {
  static final int TRIES = 4;
  /** How often a service that names its time is believed, and how long it may ask to wait. */
  private static final int LINE_TRIES = 60;

  private static final long LONGEST_WAIT_MS = 10 * 60_000;
  private static final Pattern SECONDS = Pattern.compile("[0-9]{1,9}");

  private final Activation activation;
  private final IdentityStore identity;
  private final Keys keys;
  private final Loop loop;
  private final DoubleSupplier random;
  private final Executor elsewhere;
  private final CompletableFuture<String> done = new CompletableFuture<>();
  private String key;
  private String body;
  private URL url;
  private SSLSocketFactory sockets;
  private int failures;
  private int inLine;
  private Runnable cancel = () -> {};

  Activator(
      Activation activation,
      IdentityStore identity,
      Keys keys,
      Loop loop,
      DoubleSupplier random,
      Executor elsewhere) {
    this.activation = activation;
    this.identity = identity;
    this.keys = keys;
    this.loop = loop;
    this.random = random;
    this.elsewhere = elsewhere;
  }

  /** Done with the device id. */
  CompletableFuture<String> start() {
    try {
      key = keptKey();
      Map<String, Object> request = Json.object();
      request.put("csr", keys.request(key));
      request.put("activationCode", activation.code());
      body = Json.write(request);
      url = checkedUrl();
      sockets = sockets();
      attempt();
    } catch (HeliographDeviceException | RuntimeException e) {
      fail(e);
    }
    return done;
  }

  /** Gives up; a repeat with the same code can follow in another run. */
  void stop() {
    cancel.run();
    done.completeExceptionally(Fault.Closed.with("the device was closed before it was activated"));
  }

  private String keptKey() throws HeliographDeviceException {
    String kept = identity.current().freshKey;
    if (kept != null) return kept;
    String made = keys.create();
    identity.change(before -> before.withFreshKey(made));
    return made;
  }

  private URL checkedUrl() throws HeliographDeviceException {
    try {
      URL checked = new URL(activation.url());
      if (checked.getProtocol().equals("https")) return checked;
    } catch (MalformedURLException e) {
      // as any other that is no https address
    }
    throw Fault.ActivationUnreachable.with(
        "the activation url must be an https address, not \"" + activation.url() + "\"");
  }

  private SSLSocketFactory sockets() throws HeliographDeviceException {
    try {
      return Tls.forActivation(activation.ca().orElse(null));
    } catch (GeneralSecurityException | IOException | RuntimeException e) {
      throw unreachable(e);
    }
  }

  private void attempt() {
    elsewhere.execute(() -> {
      try {
        HttpsPost answer = HttpsPost.send(url, sockets, body, loop);
        go(() -> onAnswer(answer));
      } catch (Throwable e) { // an Error of the platform's TLS must not leave the program waiting
        go(() -> onFailure(e));
      }
    });
  }

  /** On the loop. What fails there ends the activation: nothing else would. */
  private void go(Runnable step) {
    loop.run(() -> {
      try {
        step.run();
      } catch (RuntimeException e) {
        fail(e);
      }
    });
  }

  private void fail(Exception failure) {
    done.completeExceptionally(Fault.of(failure));
  }

  /** Tries again where the service was busy; a refusal is final. */
  private void onAnswer(HttpsPost answer) {
    if (done.isDone()) return;
    boolean isBusy = answer.status == 429 || answer.status >= 500;
    if (isBusy && isInLine(answer)) {
      // The code has its turn then: this wait is no failure.
      long askedMs = Math.min(Long.parseLong(answer.retryAfter) * 1000, LONGEST_WAIT_MS);
      attemptAfter(askedMs + Backoff.retryDelayMs(0, random));
    } else if (!isBusy || failures == TRIES - 1) {
      settle(answer);
    } else {
      attemptAfter(Backoff.retryDelayMs(failures++, random));
    }
  }

  /** In seconds; this service never sends the other form, a date. */
  private boolean isInLine(HttpsPost answer) {
    boolean isTold = answer.retryAfter != null && SECONDS.matcher(answer.retryAfter).matches();
    boolean isNamed = isTold && (answer.status == 429 || answer.status == 503);
    return isNamed && inLine++ < LINE_TRIES;
  }

  private void onFailure(Throwable failure) {
    if (done.isDone()) return;
    if (failures == TRIES - 1) done.completeExceptionally(unreachable(failure));
    else attemptAfter(Backoff.retryDelayMs(failures++, random));
  }

  private void attemptAfter(long ms) {
    cancel = loop.after(ms, this::attempt);
  }

  private void settle(HttpsPost answer) {
    try {
      Activated activated = read(answer);
      Activated before = identity.current().activated;
      identity.change(kept -> Identity.of(activated));
      if (before != null) keys.delete(before.credentials.key);
      done.complete(activated.deviceId);
    } catch (HeliographDeviceException e) {
      fail(e);
    }
  }

  private Activated read(HttpsPost answer) throws HeliographDeviceException {
    Map<String, Object> object = Json.parseObject(answer.body);
    if (answer.status != 201) throw refused(answer.status, object == null ? Json.object() : object);
    Activated activated = object == null ? null : Activated.parse(object, key);
    if (activated != null && keys.match(activated.credentials)) return activated;
    throw Fault.ActivationRefused.with(
        "the activation endpoint answered 201 without a certificate for this device: check the activation url");
  }

  private static HeliographDeviceException refused(int status, Map<String, Object> object) {
    String reason = Json.nameAt(object, "reason");
    String told = Json.textAt(object, "detail");
    String detail = told == null ? "no reason given" : told.substring(0, Math.min(told.length(), 200));
    String named = reason == null ? "HTTP " + status : reason + ", HTTP " + status;
    String text = "activation was refused: " + detail + " (" + named + ")";
    String word = reason == null ? Fault.ActivationRefused.name() : reason;
    return HeliographDeviceException.refusedActivation(word, text, status);
  }

  private HeliographDeviceException unreachable(Throwable cause) {
    return Fault.ActivationUnreachable.with(
        "the activation endpoint " + activation.url() + " cannot be reached (" + Fault.messageOf(cause)
            + "): check the address, the network and the CA, then try again with the same code",
        cause);
  }
}
