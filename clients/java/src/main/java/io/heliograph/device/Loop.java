package io.heliograph.device;

/** Time and order as the SDK sees them, so that a test can own them. All state of a device changes on its loop. */
interface Loop {
  /** Milliseconds since the epoch, by the device's clock, which may be wrong and may jump. */
  long now();

  /** Milliseconds from some moment on; never jumps. */
  long uptime();

  /** Runs an action on the loop, after all that were given before. */
  void run(Runnable action);

  /** Runs an action on the loop after some milliseconds unless what is returned is run first. */
  Runnable after(long ms, Runnable action);
}
