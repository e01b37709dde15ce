package io.heliograph.device;

/** Takes notifications over. */
@FunctionalInterface
public interface NotificationHandler {
  /**
   * Takes one over: it is acknowledged when this returns, or sent again when it throws. May take minutes and may wait for the
   * device's own calls. One at a time for each topic, side by side for different topics.
   *
   * @param notification what has come
   * @throws Exception if it could not be taken over
   */
  void handle(Notification notification) throws Exception;
}
