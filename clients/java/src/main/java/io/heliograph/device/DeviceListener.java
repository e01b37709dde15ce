package io.heliograph.device;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Hears what happens to a device, one event after the other, on a thread of the SDK. What it throws ends in {@link #onError}.
 */
public interface DeviceListener {
  /**
   * The broker has taken the connection (CONNACK).
   *
   * @param deviceId the device's id
   */
  default void onConnected(String deviceId) {}

  /**
   * The connection ended or an attempt failed.
   *
   * @param cause for a person
   * @param retryInMs milliseconds; empty after {@link Device#close}
   */
  default void onDisconnected(String cause, OptionalLong retryInMs) {}

  /**
   * A topic has a token it did not have before: send it to the provider.
   *
   * @param topic the app's bundle id
   * @param token its device token
   */
  default void onToken(String topic, String token) {}

  /**
   * The service knows these topics as registered, seen from this connection.
   *
   * @param topics bundle ids
   */
  default void onAccepted(List<String> topics) {}

  /**
   * The service refused a token; the SDK registers again where that can help.
   *
   * @param topic empty where it is not known
   * @param token what was refused
   * @param reason the service's word
   */
  default void onRejected(Optional<String> topic, String token, String reason) {}

  /**
   * The device has followed the service to this place, and knows no other any more.
   *
   * @param host name or address
   * @param port TCP port
   */
  default void onMoved(String host, int port) {}

  /**
   * A notification was acknowledged without being handed over.
   *
   * @param notification what was dropped
   * @param why why
   */
  default void onDropped(Notification notification, DropCause why) {}

  /**
   * Something failed that no call waits for. The device goes on. Without any listener it is logged as a warning.
   *
   * @param failure what failed
   */
  default void onError(HeliographDeviceException failure) {}
}
