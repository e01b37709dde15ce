package io.heliograph.device;

import java.util.Map;

/** What is remembered of a notification that the handler has taken over. */
final class Taken {
  static final String PER_COLLAPSE_ID = "perCollapseId";

  final String id;
  final String topic;
  final long acceptedAt;
  /** Null where the service did not say. */
  final String seq;

  final boolean isStored;
  /** Null where it was sent to this device. */
  final String channel;
  /** Whether the topic keeps the newest of each collapse id. */
  final boolean isPerCollapseId;
  /** Null where there is none, or where it does not matter. */
  final String collapseId;

  Taken(String id, String topic, String channel, long acceptedAt, String seq, boolean isStored) {
    this(id, topic, channel, acceptedAt, seq, isStored, false, null);
  }

  Taken(
      String id,
      String topic,
      String channel,
      long acceptedAt,
      String seq,
      boolean isStored,
      boolean isPerCollapseId,
      String collapseId) {
    this.id = id;
    this.topic = topic;
    this.channel = channel;
    this.acceptedAt = acceptedAt;
    this.seq = seq;
    this.isStored = isStored;
    this.isPerCollapseId = isPerCollapseId;
    this.collapseId = isPerCollapseId ? collapseId : null;
  }

  static Taken of(Notification one) {
    String channel = one.channel().orElse(null);
    String seq = one.seq().orElse(null);
    boolean isPerCollapseId = one.pending().isPresent();
    String collapseId = one.collapseId().orElse(null);
    return new Taken(one.id(), one.topic(), channel, one.acceptedAt(), seq, one.isStored(), isPerCollapseId, collapseId);
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
    String seq = Json.textAt(object, "seq");
    boolean isPerCollapseId = PER_COLLAPSE_ID.equals(object.get("pending"));
    String collapseId = Json.textAt(object, "collapseId");
    return new Taken(id, topic, channel, acceptedAt.longValue(), seq, isStored, isPerCollapseId, collapseId);
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
    if (isPerCollapseId) object.put("pending", PER_COLLAPSE_ID);
    if (collapseId != null) object.put("collapseId", collapseId);
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

  /** What a newer one can overtake: all of its topic, channel or collapse id; null: nothing. */
  String lane() {
    if (channel != null || !isPerCollapseId) return origin();
    return collapseId == null ? null : topic + " " + collapseId;
  }

  /** True when this was accepted before the other; not known to be = false. */
  boolean isOlderThan(Taken other) {
    if (seq != null && other.seq != null) return seq.compareTo(other.seq) < 0;
    return acceptedAt < other.acceptedAt;
  }
}
