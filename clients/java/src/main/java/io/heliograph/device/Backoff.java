package io.heliograph.device;

import java.util.function.DoubleSupplier;

/** How long to wait before the next attempt. */
final class Backoff {
  /** The longest wait before the first and before the hundredth retry, in milliseconds. */
  static final long FIRST_CEILING_MS = 1_000;

  static final long LAST_CEILING_MS = 120_000;

  /** A connection that has lived this long has earned a quick retry after its end. */
  static final long STABLE_AFTER_MS = 60_000;

  private Backoff() {}

  /**
   * The wait after a failure (0 = the first in a row): anything from nothing to a ceiling that doubles each time. The full
   * range spreads a fleet that lost its broker at one moment (AWS Architecture Blog, "Exponential Backoff And Jitter": full
   * jitter).
   */
  static long retryDelayMs(int failures, DoubleSupplier random) {
    long ceiling = FIRST_CEILING_MS << Math.min(failures, 20);
    return Math.round(random.getAsDouble() * Math.min(ceiling, LAST_CEILING_MS));
  }

  /** A pause that doubles up to a limit, and half to one and a half of it: a fleet may wait for one reason. */
  static long variedMs(long firstMs, long lastMs, int before, DoubleSupplier random) {
    long middle = Math.min(firstMs << Math.min(before, 20), lastMs);
    return Math.round(middle * (0.5 + random.getAsDouble()));
  }
}
