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

  KeyPair find(String reference) throws HeliographDeviceException {
    KeyPair found = look(reference);
    if (found != null) return found;
    throw Fault.StateDamaged.with("the key of this device cannot be found: activate it again with a new code");
  }

  boolean has(String reference) throws HeliographDeviceException {
    return look(reference) != null;
  }

  boolean match(Credentials pair) throws HeliographDeviceException {
    KeyPair found = look(pair.key);
    try {
      return found != null && Certificates.belongTogether(found, pair.certificate);
    } catch (RuntimeException e) {
      throw unusable(e);
    }
  }

  String request(String reference) throws HeliographDeviceException {
    KeyPair found = find(reference);
    try {
      return CertificateRequest.make(found);
    } catch (GeneralSecurityException e) {
      throw Fault.StateDamaged.with("the key of this device cannot sign (" + e.getClass().getSimpleName() + ")");
    } catch (RuntimeException e) {
      throw unusable(e);
    }
  }

  /** Null where there is no such key. A vault that throws what it need not may find the key the next time. */
  private KeyPair look(String reference) throws HeliographDeviceException {
    try {
      return vault.find(reference);
    } catch (GeneralSecurityException | IOException e) {
      return null;
    } catch (RuntimeException e) {
      throw unusable(e);
    }
  }

  /** Says no message of the vault's, and names no reference: it can be the key itself. */
  private static HeliographDeviceException unusable(RuntimeException thrown) {
    String text = "the key of this device cannot be used now (" + thrown.getClass().getSimpleName() + ")";
    return Fault.StateUnusable.with(text + ": try again later");
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
