package io.heliograph.device;

import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;

/**
 * Asks the service again for what is pending after a notification was not taken over. Otherwise it would lie where it waits
 * until the next connect, which for a steady connection can be weeks away. One for topics, whose slots are drained, and one for
 * channels, which are subscribed to again.
 */
final class Redrain {
  /** The service tries twice within ten seconds by itself; after that it waits to be asked. */
  static final long FIRST_ASK_MS = 15_000;

  static final long LAST_ASK_MS = 15 * 60_000;

  private final Loop loop;
  private final DoubleSupplier random;
  /** Asks for what these have pending. */
  private final Consumer<Set<String>> service;

  private final Set<String> failing = new HashSet<>();
  private int asked;
  private Runnable cancel;
  private boolean over;

  Redrain(Loop loop, DoubleSupplier random, Consumer<Set<String>> service) {
    this.loop = loop;
    this.random = random;
    this.service = service;
  }

  void onFailed(String origin) {
    if (over) return;
    failing.add(origin);
    if (cancel != null) return;
    cancel = loop.after(Backoff.variedMs(FIRST_ASK_MS, LAST_ASK_MS, asked, random), this::ask);
  }

  void onTaken(String origin) {
    if (failing.remove(origin) && failing.isEmpty()) stop();
  }

  void stop() {
    if (cancel != null) cancel.run();
    cancel = null;
    failing.clear();
    asked = 0;
  }

  /** Stops for good: a handler at work when the device is closed can fail later. */
  void close() {
    over = true;
    stop();
  }

  private void ask() {
    cancel = null;
    asked++;
    service.accept(failing);
  }
}
