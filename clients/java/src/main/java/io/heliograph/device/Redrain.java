package io.heliograph.device;

import java.util.HashSet;
import java.util.Set;
import java.util.function.DoubleSupplier;

/**
 * Asks the service to drain again after a notification was not taken over. Otherwise it would lie in its pending slot until
 * the next connect, which for a steady connection can be weeks away.
 */
final class Redrain {
  /** The service tries twice within ten seconds by itself; after that it waits to be asked. */
  static final long FIRST_ASK_MS = 15_000;

  static final long LAST_ASK_MS = 15 * 60_000;

  private final Loop loop;
  private final DoubleSupplier random;
  /** Presents the tokens to the service, which then sends what is pending. */
  private final Runnable present;

  private final Set<String> failing = new HashSet<>();
  private int asked;
  private Runnable cancel;

  Redrain(Loop loop, DoubleSupplier random, Runnable present) {
    this.loop = loop;
    this.random = random;
    this.present = present;
  }

  void onFailed(String topic) {
    failing.add(topic);
    if (cancel != null) return;
    cancel = loop.after(Backoff.variedMs(FIRST_ASK_MS, LAST_ASK_MS, asked, random), this::ask);
  }

  void onTaken(String topic) {
    if (failing.remove(topic) && failing.isEmpty()) stop();
  }

  void stop() {
    if (cancel != null) cancel.run();
    cancel = null;
    failing.clear();
    asked = 0;
  }

  private void ask() {
    cancel = null;
    asked++;
    present.run();
  }
}
