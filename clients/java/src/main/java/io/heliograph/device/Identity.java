package io.heliograph.device;

import java.util.Map;

/**
 * All of the device's identity; one file, so that a key and its certificate change together. It never changes: each edit
 * is a copy.
 */
final class Identity {
  static final Identity NONE = new Identity(null, null, null, null);
  private static final int VERSION = 1;

  /** The key of an activation whose answer has not been seen. */
  final String freshKey;

  final Activated activated;
  /** The key that is to replace that of {@code activated}; its certificate is null until it has been answered. */
  final Credentials next;
  /** Where the service said that it goes on; in the place of {@code activated.mqtt} once it has answered there. */
  final Broker move;

  private Identity(String freshKey, Activated activated, Credentials next, Broker move) {
    this.freshKey = freshKey;
    this.activated = activated;
    this.next = next;
    this.move = move;
  }

  Identity withFreshKey(String key) {
    return new Identity(key, activated, next, move);
  }

  Identity withNext(Credentials pair) {
    return new Identity(freshKey, activated, pair, move);
  }

  Identity withMove(Broker place) {
    return new Identity(freshKey, activated, next, place);
  }

  Identity withActivated(Activated device) {
    return new Identity(freshKey, device, next, move);
  }

  /** A device whose identity begins with this activation. */
  static Identity of(Activated device) {
    return new Identity(null, device, null, null);
  }

  String toJson() {
    Map<String, Object> object = Json.object();
    object.put("version", VERSION);
    object.put("freshKey", freshKey);
    object.put("activated", activated == null ? null : activated.toJson());
    object.put("next", next == null ? null : nextToJson());
    object.put("move", move == null ? null : move.toJson());
    object.values().removeIf(value -> value == null);
    return Json.write(object) + "\n";
  }

  private Map<String, Object> nextToJson() {
    Map<String, Object> object = Json.object();
    object.put("privateKey", next.key);
    if (next.certificate != null) object.put("certificate", next.certificate);
    return object;
  }

  /** The identity in a file, or null if it is damaged. */
  static Identity parse(Map<String, Object> object, Keys keys) throws HeliographDeviceException {
    Number version = Json.numberAt(object, "version");
    String freshKey = Json.nameAt(object, "freshKey");
    Activated activated = parseActivated(object, keys);
    Credentials next = parseNext(Json.objectAt(object, "next"));
    Broker move = Broker.parse(Json.objectAt(object, "move"));
    boolean isBroken =
        version == null
            || version.intValue() != VERSION
            || (freshKey == null && object.containsKey("freshKey"))
            || (freshKey != null && !keys.has(freshKey))
            || (activated == null && object.containsKey("activated"))
            || (next == null && object.containsKey("next"))
            || (next != null && !keys.has(next.key))
            || (move == null && object.containsKey("move"));
    return isBroken ? null : new Identity(freshKey, activated, next, move);
  }

  private static Activated parseActivated(Map<String, Object> object, Keys keys) throws HeliographDeviceException {
    Map<String, Object> kept = Json.objectAt(object, "activated");
    String key = Json.nameAt(kept, "privateKey");
    Activated activated = key == null ? null : Activated.parse(kept, key);
    return activated != null && keys.match(activated.credentials) ? activated : null;
  }

  private static Credentials parseNext(Map<String, Object> object) {
    String key = Json.nameAt(object, "privateKey");
    return key == null ? null : new Credentials(key, Json.nameAt(object, "certificate"));
  }
}
