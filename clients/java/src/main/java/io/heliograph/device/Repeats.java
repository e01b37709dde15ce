package io.heliograph.device;

import java.util.HashMap;
import java.util.Map;
import java.util.function.DoubleSupplier;

/**
 * Repeats requests until they are answered. The service answers without waiting for the device (QoS 0), and drops what a device
 * asks for too often, so that an answer can be missing on a good connection.
 */
final class Repeats {
  /** The first repeat of a request that was not answered; each pause is twice the one before. */
  static final long FIRST_REPEAT_MS = 10_000;

  static final long LAST_REPEAT_MS = 10 * 60_000;

  private final Loop loop;
  private final DoubleSupplier random;
  private final Map<String, Runnable> cancel = new HashMap<>();

  Repeats(Loop loop, DoubleSupplier random) {
    this.loop = loop;
    this.random = random;
  }

  /** Does it again after a pause, and again, until it is stopped. One that is repeated already begins anew. */
  void start(String what, Runnable again) {
    repeat(what, again, 0);
  }

  private void repeat(String what, Runnable again, int before) {
    stop(what);
    long pauseMs = Backoff.variedMs(FIRST_REPEAT_MS, LAST_REPEAT_MS, before, random);
    Runnable next =
        () -> {
          repeat(what, again, before + 1);
          again.run();
        };
    cancel.put(what, loop.after(pauseMs, next));
  }

  void stop(String what) {
    Runnable stop = cancel.remove(what);
    if (stop != null) stop.run();
  }

  void stopAll() {
    cancel.values().forEach(Runnable::run);
    cancel.clear();
  }
}
