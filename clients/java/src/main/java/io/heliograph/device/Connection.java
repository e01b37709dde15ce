package io.heliograph.device;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.DoubleSupplier;

/**
 * Keeps one connection alive until it is stopped. Any end is allowed at any time (IoT Core closes for its own upgrades too);
 * the wait before the next attempt grows until a connection has proved stable.
 */
final class Connection implements Link.Listener {
  /** What the connection asks of the device around it. */
  interface Parts {
    /** For the next attempt, new each time: the certificate may have changed. */
    Link.Options options();

    Link dial(Link.Options options, Link.Listener listener) throws HeliographDeviceException;

    void onOpened(Link.Options used);

    /** An attempt ended before its CONNACK. */
    void onFailed(Link.Options used);

    /** An open connection or an attempt has ended; {@code retryInMs} is null when none follows. */
    void onClosed(String cause, Long retryInMs);

    CompletableFuture<Boolean> onMessage(String topic, byte[] message, boolean retained);
  }

  private final Loop loop;
  private final DoubleSupplier random;
  private final Parts parts;
  private final CompletableFuture<Void> first = new CompletableFuture<>();
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();
  private Link link;
  private volatile boolean isOpen;
  private boolean isStopping;
  private boolean isRedialing;
  private int failures;
  private Runnable cancel = () -> {};

  Connection(Loop loop, DoubleSupplier random, Parts parts) {
    this.loop = loop;
    this.random = random;
    this.parts = parts;
  }

  boolean isOpen() {
    return isOpen;
  }

  /** Dials; done at the first CONNACK, however many attempts that takes. */
  CompletableFuture<Void> start() {
    dial();
    return first;
  }

  CompletableFuture<Void> publish(String topic, String message) {
    return isOpen ? link.publish(topic, message) : notConnected();
  }

  CompletableFuture<List<Boolean>> subscribe(List<String> filters) {
    return isOpen ? link.subscribe(filters) : notConnected();
  }

  /** Does nothing while there is no connection: the next one starts without subscriptions. */
  void unsubscribe(String filter) {
    if (isOpen) link.unsubscribe(filter);
  }

  private static <Answer> CompletableFuture<Answer> notConnected() {
    CompletableFuture<Answer> refused = new CompletableFuture<>();
    refused.completeExceptionally(Fault.NotConnected.with("the device is not connected"));
    return refused;
  }

  /** Ends the connection and dials again at once. */
  void redial() {
    if (link == null) return;
    isRedialing = true;
    link.end();
  }

  /** Done when the connection is gone. */
  CompletableFuture<Void> stop() {
    isStopping = true;
    cancel.run();
    first.completeExceptionally(Fault.Closed.with("the device was closed before it was connected"));
    if (link == null) stopped.complete(null);
    else link.end();
    return stopped;
  }

  /** A bad file (say, a CA that is not PEM) fails before there is a connection that could close. */
  private void dial() {
    if (isStopping) return;
    Link.Options options = parts.options();
    try {
      link = parts.dial(options, this);
    } catch (HeliographDeviceException | RuntimeException e) {
      onFailed(options, Fault.messageOf(e));
    }
  }

  private void onFailed(Link.Options used, String cause) {
    try {
      parts.onFailed(used);
    } finally {
      retry(cause);
    }
  }

  @Override
  public void onOpened(Link opened) {
    isOpen = true;
    cancel.run();
    cancel = loop.after(Backoff.STABLE_AFTER_MS, () -> failures = 0);
    try {
      parts.onOpened(opened.options);
    } finally {
      first.complete(null);
    }
  }

  @Override
  public void onClosed(Link closed, String cause) {
    boolean wasOpen = isOpen;
    isOpen = false;
    link = null;
    cancel.run();
    if (isStopping) onStopped(cause);
    else if (wasOpen) retry(cause);
    else onFailed(closed.options, cause);
  }

  private void onStopped(String cause) {
    try {
      parts.onClosed(cause, null);
    } finally {
      stopped.complete(null);
    }
  }

  @Override
  public CompletableFuture<Boolean> onMessage(String topic, byte[] message, boolean retained) {
    return parts.onMessage(topic, message, retained);
  }

  private void retry(String cause) {
    long waitMs = isRedialing ? 0 : Backoff.retryDelayMs(failures++, random);
    isRedialing = false;
    cancel = loop.after(waitMs, this::dial);
    parts.onClosed(cause, waitMs);
  }
}
