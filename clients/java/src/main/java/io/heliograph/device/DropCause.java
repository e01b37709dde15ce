package io.heliograph.device;

/** Why a notification was acknowledged without being handed over. */
public enum DropCause {
  /** It was taken over before. */
  REPEAT("it was taken before"),
  /** A newer one was taken over before. */
  OVERTAKEN("a newer one was taken before"),
  /** Its topic is unregistered. */
  UNREGISTERED("its topic is unregistered"),
  /** Its channel is not joined. */
  LEFT("its channel is not joined");

  final String text;

  DropCause(String text) {
    this.text = text;
  }
}
