package io.heliograph.device;

/** What can go wrong on the device's side; the names are the reasons that a program sees. */
enum Fault {
  ActivationRefused,
  ActivationUnreachable,
  BadChannelId,
  BadMessage,
  CertificateExpired,
  ChannelRefused,
  Closed,
  HandlerFailed,
  ListenerFailed,
  MoveRefused,
  NotActivated,
  NotConnected,
  StateDamaged,
  StateUnusable,
  Timeout,
  TooManyChannels;

  HeliographDeviceException with(String message) {
    return with(message, null, null);
  }

  HeliographDeviceException with(String message, Throwable cause) {
    return with(message, null, cause);
  }

  HeliographDeviceException with(String message, String topic, Throwable cause) {
    return with(message, topic, null, cause);
  }

  HeliographDeviceException with(String message, String topic, String channel, Throwable cause) {
    return new HeliographDeviceException(name(), message, topic, channel, cause);
  }

  /** The message of whatever was thrown. */
  static String messageOf(Throwable thrown) {
    String message = toldBy(thrown);
    return message == null ? thrown.getClass().getSimpleName() : message;
  }

  private static String toldBy(Throwable thrown) {
    try {
      return thrown.getMessage();
    } catch (RuntimeException e) {
      return null; // the program's own exceptions come here, too
    }
  }

  /** What was thrown, as a failure of this SDK; any other can only have come from the state files. */
  static HeliographDeviceException of(Throwable thrown) {
    if (thrown instanceof HeliographDeviceException) return (HeliographDeviceException) thrown;
    return StateUnusable.with(messageOf(thrown), thrown);
  }
}
