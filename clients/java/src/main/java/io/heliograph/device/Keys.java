package io.heliograph.device;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.util.function.Consumer;

/** The vault, with the failures of this SDK. */
final class Keys {
  private final KeyVault vault;
  private final Consumer<String> log;

  Keys(KeyVault vault, Consumer<String> log) {
    this.vault = vault;
    this.log = log;
  }

  String create() throws HeliographDeviceException {
    try {
      return vault.create();
    } catch (GeneralSecurityException | IOException | RuntimeException e) {
      throw Fault.StateUnusable.with("a key cannot be made (" + Fault.messageOf(e) + ")", e);
    }
  }

  /** Names no reference in its failure: it can be the key itself. */
  KeyPair find(String reference) throws HeliographDeviceException {
    try {
      return vault.find(reference);
    } catch (GeneralSecurityException | IOException | RuntimeException e) {
      String text = "the key of this device cannot be used (" + e.getClass().getSimpleName() + ")";
      throw Fault.StateDamaged.with(text + ": activate it again with a new code");
    }
  }

  boolean has(String reference) {
    try {
      return find(reference) != null;
    } catch (HeliographDeviceException e) {
      return false;
    }
  }

  boolean match(Credentials pair) {
    try {
      return Certificates.belongTogether(find(pair.key), pair.certificate);
    } catch (HeliographDeviceException e) {
      return false;
    }
  }

  String request(String reference) throws HeliographDeviceException {
    try {
      return CertificateRequest.make(find(reference));
    } catch (GeneralSecurityException | RuntimeException e) {
      throw Fault.StateDamaged.with("the key of this device cannot sign (" + e.getClass().getSimpleName() + ")");
    }
  }

  /** A key that stays although it is not needed does no harm. */
  void delete(String reference) {
    try {
      vault.delete(reference);
    } catch (GeneralSecurityException | IOException | RuntimeException e) {
      log.accept("a key that has been replaced could not be removed: " + e.getClass().getSimpleName());
    }
  }
}
