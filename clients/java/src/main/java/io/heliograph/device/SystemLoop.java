package io.heliograph.device;

import java.time.Clock;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** One daemon thread, which ends when there has been nothing to do for a while. */
final class SystemLoop implements Loop {
  private static final int IDLE_SECONDS = 5;
  private final ScheduledThreadPoolExecutor executor;
  private final Clock clock;
  private final Consumer<Throwable> failed;

  SystemLoop(String name, Clock clock, Consumer<Throwable> failed) {
    this.clock = clock;
    this.failed = failed;
    executor = new ScheduledThreadPoolExecutor(1, new DaemonThreads(name));
    executor.setRemoveOnCancelPolicy(true);
    executor.setKeepAliveTime(IDLE_SECONDS, TimeUnit.SECONDS);
    executor.allowCoreThreadTimeOut(true);
  }

  @Override
  public long now() {
    return clock.millis();
  }

  @Override
  public long uptime() {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
  }

  @Override
  public void run(Runnable action) {
    executor.execute(() -> attempt(action));
  }

  @Override
  public Runnable after(long ms, Runnable action) {
    Future<?> future = executor.schedule(() -> attempt(action), Math.max(0, ms), TimeUnit.MILLISECONDS);
    return () -> future.cancel(false);
  }

  private void attempt(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException | Error e) {
      failed.accept(e);
    }
  }
}
