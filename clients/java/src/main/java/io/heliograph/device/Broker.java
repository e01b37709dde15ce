package io.heliograph.device;

import java.util.Map;
import java.util.Objects;

/** Where the broker is and what its certificate is checked against ({@code ca}, PEM). */
final class Broker {
  final String host;
  final int port;
  final String ca;

  Broker(String host, int port, String ca) {
    this.host = host;
    this.port = port;
    this.ca = ca;
  }

  /** What the object says, or null if it names no broker. */
  static Broker parse(Map<String, Object> object) {
    String host = Json.nameAt(object, "host");
    Number port = Json.numberAt(object, "port");
    String ca = Json.nameAt(object, "ca");
    if (host == null || ca == null || !isPort(port) || !Certificates.isCertificate(ca)) return null;
    return new Broker(host, port.intValue(), ca);
  }

  private static boolean isPort(Number port) {
    return port instanceof Long && port.longValue() >= 1 && port.longValue() <= 65_535;
  }

  Map<String, Object> toJson() {
    Map<String, Object> object = Json.object();
    object.put("host", host);
    object.put("port", port);
    object.put("ca", ca);
    return object;
  }

  @Override
  public boolean equals(Object other) {
    if (!(other instanceof Broker)) return false;
    Broker that = (Broker) other;
    return host.equals(that.host) && port == that.port && ca.equals(that.ca);
  }

  @Override
  public int hashCode() {
    return Objects.hash(host, port, ca);
  }

  @Override
  public String toString() {
    return host + ":" + port;
  }
}
