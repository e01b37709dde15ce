package io.heliograph.device;

import java.util.Map;

/**
 * A topic this device has to do with. Wanted without a token: asked for, not yet answered. Leaving: unregistered by the
 * program, and the service does not know yet.
 */
final class Registration {
  final boolean isWanted;
  final String token;

  private Registration(boolean isWanted, String token) {
    this.isWanted = isWanted;
    this.token = token;
  }

  static Registration wanted(String token) {
    return new Registration(true, token);
  }

  static Registration leaving() {
    return new Registration(false, null);
  }

  static Registration parse(Map<String, Object> object) {
    String state = Json.textAt(object, "state");
    if ("leaving".equals(state)) return leaving();
    return "wanted".equals(state) ? wanted(Json.nameAt(object, "token")) : null;
  }

  Map<String, Object> toJson() {
    Map<String, Object> object = Json.object();
    object.put("state", isWanted ? "wanted" : "leaving");
    if (token != null) object.put("token", token);
    return object;
  }
}
