package io.heliograph.device;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.PriorityQueue;

/** A loop whose time a test owns; actions run when it is told. */
final class ManualLoop implements Loop {
  private final Deque<Runnable> actions = new ArrayDeque<>();
  private final PriorityQueue<Timer> timers =
      new PriorityQueue<>(Comparator.comparingLong((Timer timer) -> timer.at).thenComparingLong(timer -> timer.order));
  private long uptime;
  private long order;
  long clockOffset = 1_764_000_000_000L;

  private static final class Timer {
    final long at;
    final long order;
    final Runnable action;

    Timer(long at, long order, Runnable action) {
      this.at = at;
      this.order = order;
      this.action = action;
    }
  }

  @Override
  public long now() {
    return clockOffset + uptime;
  }

  @Override
  public long uptime() {
    return uptime;
  }

  @Override
  public void run(Runnable action) {
    actions.add(action);
  }

  @Override
  public Runnable after(long ms, Runnable action) {
    Timer timer = new Timer(uptime + ms, order++, action);
    timers.add(timer);
    return () -> timers.remove(timer);
  }

  /** Runs all that waits for its turn now. */
  void settle() {
    while (!actions.isEmpty()) actions.remove().run();
  }

  void advance(long ms) {
    long end = uptime + ms;
    settle();
    while (!timers.isEmpty() && timers.peek().at <= end) {
      Timer next = timers.remove();
      uptime = Math.max(uptime, next.at);
      next.action.run();
      settle();
    }
    uptime = end;
  }

  int timers() {
    return timers.size();
  }
}
