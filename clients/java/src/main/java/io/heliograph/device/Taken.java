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

  Taken(String id, String topic, long acceptedAt, String seq, boolean isStored) {
    this.id = id;
    this.topic = topic;
    this.acceptedAt = acceptedAt;
    this.seq = seq;
    this.isStored = isStored;
  }

  static Taken of(Notification one) {
    return new Taken(one.id(), one.topic(), one.acceptedAt(), one.seq().orElse(null), one.isStored());
  }

  static Taken parse(String line) {
    Map<String, Object> object = Json.parseObject(line);
    if (object == null) return null;
    String id = Json.nameAt(object, "id");
    String topic = Json.nameAt(object, "topic");
    Number acceptedAt = Json.numberAt(object, "acceptedAt");
    if (id == null || topic == null || acceptedAt == null) return null;
    boolean isStored = Boolean.TRUE.equals(object.get("stored"));
    return new Taken(id, topic, acceptedAt.longValue(), Json.textAt(object, "seq"), isStored);
  }

  /** A line of the journal. */
  String toLine() {
    Map<String, Object> object = Json.object();
    object.put("id", id);
    object.put("topic", topic);
    object.put("acceptedAt", acceptedAt);
    if (seq != null) object.put("seq", seq);
    if (isStored) object.put("stored", true);
    return Json.write(object) + "\n";
  }

  String key() {
    return topic + " " + id;
  }

  /** True when this was accepted before the other; not known to be = false. */
  boolean isOlderThan(Taken other) {
    if (seq != null && other.seq != null) return seq.compareTo(other.seq) < 0;
    return acceptedAt < other.acceptedAt;
  }
}
