package io.heliograph.device;

import java.util.Map;
import java.util.Optional;

/** A notification as the handler gets it. */
public final class Notification {
  /** Cannot occur inside a JSON string (its quotes would be escaped), so the first one is the key. */
  private static final String BEFORE_PAYLOAD = ",\"payload\":";

  private final Map<String, Object> fields;
  private final String id;
  private final String topic;
  private final long acceptedAt;
  private final Map<String, Object> payload;
  private final String payloadText;
  /** Null where it was sent to this device. */
  private final String channel;

  private final boolean isStored;

  private Notification(Map<String, Object> fields, String text, String channel, boolean isStored) {
    this.fields = fields;
    this.channel = channel;
    this.isStored = isStored;
    id = Json.nameAt(fields, "id");
    topic = Json.nameAt(fields, "topic");
    Number accepted = Json.numberAt(fields, "acceptedAt");
    acceptedAt = accepted == null ? 0 : accepted.longValue();
    payload = Json.asObject(fields.get("payload"));
    payloadText = text;
  }

  /** The notification in a message, or null if it is not a notification. */
  static Notification parse(String text) {
    Map<String, Object> fields = Json.parseObject(text);
    return fields == null ? null : read(text, fields, null, Boolean.TRUE.equals(fields.get("stored")));
  }

  /**
   * What a channel's topic carries, or null if it is not a notification of this channel. It is stored if the broker had
   * retained it.
   */
  static Notification parseBroadcast(String text, String channel, boolean isStored) {
    Map<String, Object> fields = Json.parseObject(text);
    if (fields == null || !channel.equals(fields.get("channel"))) return null;
    return read(text, fields, channel, isStored);
  }

  private static Notification read(String text, Map<String, Object> fields, String channel, boolean isStored) {
    if (Json.numberAt(fields, "acceptedAt") == null) return null;
    int start = text.indexOf(BEFORE_PAYLOAD);
    int end = text.lastIndexOf('}');
    // payload is the last key of the message: its text runs to the last closing brace
    String payload = start < 0 ? "" : text.substring(start + BEFORE_PAYLOAD.length(), end);
    Notification read = new Notification(fields, payload, channel, isStored);
    boolean isWhole = read.id != null && read.topic != null && read.payload != null && start >= 0;
    return isWhole ? read : null;
  }

  /**
   * Which notification it is, within its topic.
   *
   * @return the {@code apns-id}
   */
  public String id() {
    return id;
  }

  /**
   * Which app it is for.
   *
   * @return the app's bundle id
   */
  public String topic() {
    return topic;
  }

  /**
   * When the service accepted it.
   *
   * @return milliseconds since the epoch
   */
  public long acceptedAt() {
    return acceptedAt;
  }

  /**
   * Whether it waited for this device: in its pending slot, or as the latest of its channel.
   *
   * @return false for one that came directly
   */
  public boolean isStored() {
    return isStored;
  }

  /**
   * The channel that it was published on.
   *
   * @return the channel's id; empty if it was sent to this device
   */
  public Optional<String> channel() {
    return Optional.ofNullable(channel);
  }

  /** What it is one of: a topic, or a channel. */
  String origin() {
    return originOf(topic, channel);
  }

  /** No topic has a slash in it. */
  static String originOf(String topic, String channel) {
    return channel == null ? topic : "channel/" + channel;
  }

  /**
   * Until when it is of use, by the service's clock. It may have expired by yours.
   *
   * @return UNIX seconds; 0: one attempt, never stored
   */
  public long expiration() {
    return numberOr("expiration", 0);
  }

  /**
   * How urgent it is.
   *
   * @return 10, 5 or 1 (Apple: apns-priority)
   */
  public int priority() {
    return (int) numberOr("priority", 10);
  }

  /**
   * What kind of notification it is.
   *
   * @return as the provider's {@code apns-push-type} says
   */
  public String pushType() {
    String type = Json.textAt(fields, "pushType");
    return type == null ? "alert" : type;
  }

  /**
   * Under which id it replaces others.
   *
   * @return empty if the provider gave none
   */
  public Optional<String> collapseId() {
    return Optional.ofNullable(Json.textAt(fields, "collapseId"));
  }

  /**
   * Which notifications wait while the device is away.
   *
   * @return {@code perCollapseId}: the newest of each collapse id, and those without one; empty: the newest of the topic
   */
  public Optional<String> pending() {
    return Optional.of(Taken.PER_COLLAPSE_ID).filter(value -> value.equals(fields.get("pending")));
  }

  /**
   * What an operator finds it by in the service's log.
   *
   * @return the {@code apns-unique-id}
   */
  public Optional<String> uniqueId() {
    return Optional.ofNullable(Json.textAt(fields, "uniqueId"));
  }

  /**
   * Its place in the service's order.
   *
   * @return a ULID; greater as text is newer
   */
  public Optional<String> seq() {
    return Optional.ofNullable(Json.textAt(fields, "seq"));
  }

  /**
   * The payload, parsed. Of a key that occurs twice, the last one counts.
   *
   * @return maps, lists, {@code String}, {@code Boolean}, {@code Long} (or {@code Double} where it is no whole number or too
   *     large), and null; unmodifiable
   */
  public Map<String, Object> payload() {
    return payload;
  }

  /**
   * The payload exactly as the provider wrote it, for a JSON library of your choice.
   *
   * @return JSON
   */
  public String payloadText() {
    return payloadText;
  }

  /** Names the notification, and nothing of what it says. */
  @Override
  public String toString() {
    return "notification " + id + " for " + topic;
  }

  private long numberOr(String key, long absent) {
    Number number = Json.numberAt(fields, key);
    return number == null ? absent : number.longValue();
  }
}
