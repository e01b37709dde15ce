package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventsTest {
  @Test
  void tellsLaterListenersWhateverAnEarlierOneThrows() {
    Events events = new Events(Runnable::run);
    List<String> heard = new ArrayList<>();
    events.add(new DeviceListener() {
      @Override
      public void onConnected(String deviceId) {
        throw new AssertionError("an error of the program");
      }

      @Override
      public void onError(HeliographDeviceException failure) {
        throw new AssertionError("another");
      }
    });
    events.add(new DeviceListener() {
      @Override
      public void onConnected(String deviceId) {
        heard.add("connected");
      }

      @Override
      public void onError(HeliographDeviceException failure) {
        heard.add("error " + failure.reason());
      }
    });
    events.emit(listener -> listener.onConnected("device"));
    assertEquals(Arrays.asList("error ListenerFailed", "connected"), heard);
  }
}
