package io.heliograph.device;

import java.util.Optional;

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

  HeliographDeviceException(String reason, String message, String topic, Throwable cause) {
    this(reason, message, topic, null, cause);
  }

  HeliographDeviceException(String reason, String message, String topic, String channel, Throwable cause) {
    super(message, cause);
    this.reason = reason;
    this.topic = topic;
    this.channel = channel;
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
}
