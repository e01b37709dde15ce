package io.heliograph.device;

import java.util.Map;

/** The device as the service knows it. */
final class Activated {
  final String deviceId;
  final Credentials credentials;
  final Broker mqtt;
  /** The MQTT topics this device publishes to, by request. A service without renewal names none for it. */
  final Map<String, Object> publish;

  Activated(String deviceId, Credentials credentials, Broker mqtt, Map<String, Object> publish) {
    this.deviceId = deviceId;
    this.credentials = credentials;
    this.mqtt = mqtt;
    this.publish = publish;
  }

  /** The answer to an activation with this key, or null if it is not one. */
  static Activated parse(Map<String, Object> object, String key) {
    String deviceId = Json.nameAt(object, "deviceId");
    String certificate = Json.nameAt(object, "certificate");
    Broker mqtt = Broker.parse(Json.objectAt(object, "mqtt"));
    Map<String, Object> publish = parsePublish(Json.objectAt(object, "publish"));
    if (deviceId == null || certificate == null || mqtt == null || publish == null) return null;
    return new Activated(deviceId, new Credentials(key, certificate), mqtt, publish);
  }

  private static Map<String, Object> parsePublish(Map<String, Object> object) {
    Map<String, Object> topics = Json.object();
    for (Request request : Request.values()) {
      String topic = Json.nameAt(object, request.name());
      if (topic != null) topics.put(request.name(), topic);
      else if (request != Request.renew) return null;
    }
    return topics;
  }

  /** Where a request is published, or null if the service does not take it. */
  String topicOf(Request request) {
    return Json.textAt(publish, request.name());
  }

  Activated with(Credentials renewed) {
    return new Activated(deviceId, renewed, mqtt, publish);
  }

  Activated at(Broker place) {
    return new Activated(deviceId, credentials, place, publish);
  }

  Map<String, Object> toJson() {
    Map<String, Object> object = Json.object();
    object.put("deviceId", deviceId);
    object.put("certificate", credentials.certificate);
    object.put("mqtt", mqtt.toJson());
    object.put("publish", publish);
    object.put("privateKey", credentials.key);
    return object;
  }
}
