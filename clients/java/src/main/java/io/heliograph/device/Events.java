package io.heliograph.device;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The listeners of one device. A failure that nobody listens to becomes a warning in the log: never silence. */
final class Events {
  private final List<DeviceListener> listeners = new CopyOnWriteArrayList<>();
  private final Executor executor;

  /** The executor runs one task after the other. */
  Events(Executor executor) {
    this.executor = executor;
  }

  void add(DeviceListener listener) {
    listeners.add(listener);
  }

  void remove(DeviceListener listener) {
    listeners.remove(listener);
  }

  void emit(Consumer<DeviceListener> event) {
    executor.execute(() -> listeners.forEach(listener -> call(listener, event)));
  }

  void error(HeliographDeviceException failure) {
    executor.execute(() -> tell(failure));
  }

  private void call(DeviceListener listener, Consumer<DeviceListener> event) {
    try {
      event.accept(listener);
    } catch (Throwable e) { // an Error of the program's, too: later listeners must hear
      tell(Fault.ListenerFailed.with("a listener failed: " + Fault.messageOf(e), e));
    }
  }

  private void tell(HeliographDeviceException failure) {
    if (listeners.isEmpty()) warn(failure);
    for (DeviceListener listener : listeners) {
      try {
        listener.onError(failure);
      } catch (Throwable e) {
        warn(Fault.ListenerFailed.with("onError failed: " + Fault.messageOf(e), e));
      }
    }
  }

  private static void warn(HeliographDeviceException failure) {
    Logger.getLogger("io.heliograph.device").log(Level.WARNING, failure.getMessage());
  }
}
