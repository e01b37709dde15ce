package io.heliograph.device;

/** A private key, as its {@link KeyVault} refers to it, and the certificate for it, PEM. */
final class Credentials {
  final String key;
  final String certificate;

  Credentials(String key, String certificate) {
    this.key = key;
    this.certificate = certificate;
  }
}
