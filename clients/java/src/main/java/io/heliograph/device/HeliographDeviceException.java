package io.heliograph.device;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * Every failure that this SDK throws, completes a future with or reports to a listener. The message is one sentence for
 * a person.
 */
public final class HeliographDeviceException extends Exception {
  private static final long serialVersionUID = 1L;

  /** One of the SDK's own, or the service's own. */
  private final String reason;

  /** Null where it is about none. */
  private final String topic;

  /** Null where it is about none. The id is a key, and so not in the message. */
  private final String channel;

  /** 0 where it is about none. */
  private final int status;

  HeliographDeviceException(String reason, String message, String topic, Throwable cause) {
    this(reason, message, topic, null, cause);
  }

  HeliographDeviceException(String reason, String message, String topic, String channel, Throwable cause) {
    this(reason, message, topic, channel, 0, cause);
  }

  private HeliographDeviceException(
      String reason, String message, String topic, String channel, int status, Throwable cause) {
    super(message, cause);
    this.reason = reason;
    this.topic = topic;
    this.channel = channel;
    this.status = status;
  }

  static HeliographDeviceException refusedActivation(String reason, String message, int status) {
    return new HeliographDeviceException(reason, message, null, null, status, null);
  }

  /**
   * What went wrong.
   *
   * @return one of the SDK's own reasons, such as {@code Timeout} (the README lists them), or the service's reason word
   *     for word, such as {@code UnknownTopic}
   */
  public String reason() {
    return reason;
  }

  /**
   * The topic that the failure is about.
   *
   * @return empty where it is about none
   */
  public Optional<String> topic() {
    return Optional.ofNullable(topic);
  }

  /**
   * The channel that the failure is about.
   *
   * @return its id; empty where it is about none
   */
  public Optional<String> channel() {
    return Optional.ofNullable(channel);
  }

  /**
   * The HTTP status with which an activation was refused: after 429 or 5xx the code is still valid.
   *
   * @return empty for every other failure
   */
  public OptionalInt status() {
    return status == 0 ? OptionalInt.empty() : OptionalInt.of(status);
  }
}
