package io.heliograph.device;

import java.util.Map;

/** What is remembered of a notification that the handler has taken over. */
final class Taken {
  final String id;
  final String topic;
  final long acceptedAt;
  /** Null where the service did not say. */
  final String seq;

  final boolean isStored;
  /** Null where it was sent to this device. */
  final String channel;

  Taken(String id, String topic, String channel, long acceptedAt, String seq, boolean isStored) {
    this.id = id;
    this.topic = topic;
    this.channel = channel;
    this.acceptedAt = acceptedAt;
    this.seq = seq;
    this.isStored = isStored;
  }

  static Taken of(Notification one) {
    String channel = one.channel().orElse(null);
    return new Taken(one.id(), one.topic(), channel, one.acceptedAt(), one.seq().orElse(null), one.isStored());
  }

  static Taken parse(String line) {
    Map<String, Object> object = Json.parseObject(line);
    if (object == null) return null;
    String id = Json.nameAt(object, "id");
    String topic = Json.nameAt(object, "topic");
    Number acceptedAt = Json.numberAt(object, "acceptedAt");
    if (id == null || topic == null || acceptedAt == null) return null;
    boolean isStored = Boolean.TRUE.equals(object.get("stored"));
    String channel = Json.textAt(object, "channel");
    return new Taken(id, topic, channel, acceptedAt.longValue(), Json.textAt(object, "seq"), isStored);
  }

  /** A line of the journal. */
  String toLine() {
    Map<String, Object> object = Json.object();
    object.put("id", id);
    object.put("topic", topic);
    object.put("acceptedAt", acceptedAt);
    if (seq != null) object.put("seq", seq);
    if (isStored) object.put("stored", true);
    if (channel != null) object.put("channel", channel);
    return Json.write(object) + "\n";
  }

  String key() {
    return origin() + " " + id;
  }

  String origin() {
    return Notification.originOf(topic, channel);
  }

  /** The latest of a channel comes at every subscription, also when its id is no longer among the last. */
  boolean isOvertakenBy(Taken newest) {
    boolean isSame = isStored && seq != null && seq.equals(newest.seq);
    return isSame || isOlderThan(newest);
  }

  /** True when this was accepted before the other; not known to be = false. */
  boolean isOlderThan(Taken other) {
    if (seq != null && other.seq != null) return seq.compareTo(other.seq) < 0;
    return acceptedAt < other.acceptedAt;
  }
}
