package io.heliograph.device;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;

/**
 * Where the private keys of a device are. Without one in the options, keys are in {@code identity.json}, readable by its owner
 * alone. On Android, the Android Keystore can hold them, and no one can then copy the device: the README has the lines.
 */
public interface KeyVault {
  /**
   * Makes a new EC P-256 key pair for signing. It is stored when this returns: the service is asked for a certificate
   * only afterwards.
   *
   * @return what stands for the key in {@code identity.json}, for example an alias
   * @throws GeneralSecurityException if there can be no such key
   * @throws IOException if the key cannot be stored
   */
  String create() throws GeneralSecurityException, IOException;

  /**
   * Finds a key pair again.
   *
   * @param reference what {@link #create} returned
   * @return the pair; the private key need not have an encoding, but must be able to sign
   * @throws GeneralSecurityException if there is no such key
   * @throws IOException if it cannot be read
   */
  KeyPair find(String reference) throws GeneralSecurityException, IOException;

  /**
   * Forgets a key that has been replaced.
   *
   * @param reference what {@link #create} returned
   * @throws GeneralSecurityException if it cannot be removed
   * @throws IOException if it cannot be removed
   */
  default void delete(String reference) throws GeneralSecurityException, IOException {}
}
