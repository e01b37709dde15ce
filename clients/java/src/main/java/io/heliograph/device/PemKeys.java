package io.heliograph.device;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;

/**
 * Keys as PKCS#8 PEM, in {@code identity.json} itself, so that a key and its certificate change together. The text holds the
 * public key, too (RFC 5915), as OpenSSL writes it: Java alone could not derive it from the private key.
 */
final class PemKeys implements KeyVault {
  private static final String LABEL = "PRIVATE KEY";
  private static final int SCALAR = 32;
  /** 0x04 and both coordinates. */
  private static final int POINT = 65;

  /** Around the scalar of a P-256 key: PrivateKeyInfo (RFC 5208) with an ECPrivateKey (RFC 5915). */
  private static final byte[] BEFORE_SCALAR =
      hex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420");

  private static final byte[] BEFORE_POINT = hex("a144034200");
  /** SubjectPublicKeyInfo of a P-256 key (RFC 5480). */
  private static final byte[] BEFORE_PUBLIC = hex("3059301306072a8648ce3d020106082a8648ce3d030107034200");

  @Override
  public String create() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    KeyPair pair = generator.generateKeyPair();
    byte[] spki = pair.getPublic().getEncoded();
    byte[] point = Arrays.copyOfRange(spki, spki.length - POINT, spki.length);
    byte[] scalar = fixed(((ECPrivateKey) pair.getPrivate()).getS());
    return Pem.write(LABEL, concat(BEFORE_SCALAR, scalar, BEFORE_POINT, point));
  }

  @Override
  public KeyPair find(String reference) throws GeneralSecurityException {
    byte[] der = Pem.read(LABEL, reference);
    int length = BEFORE_SCALAR.length + SCALAR + BEFORE_POINT.length + POINT;
    if (der.length != length) throw new InvalidKeySpecException("not a P-256 key with its public key");
    byte[] point = Arrays.copyOfRange(der, length - POINT, length);
    KeyFactory factory = KeyFactory.getInstance("EC");
    return new KeyPair(
        factory.generatePublic(new X509EncodedKeySpec(concat(BEFORE_PUBLIC, point))),
        factory.generatePrivate(new PKCS8EncodedKeySpec(der)));
  }

  private static byte[] fixed(BigInteger number) {
    byte[] bytes = number.toByteArray();
    byte[] fixed = new byte[SCALAR];
    int take = Math.min(bytes.length, SCALAR);
    System.arraycopy(bytes, bytes.length - take, fixed, SCALAR - take, take);
    return fixed;
  }

  private static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) all.write(part, 0, part.length);
    return all.toByteArray();
  }

  private static byte[] hex(String text) {
    byte[] bytes = new byte[text.length() / 2];
    for (int i = 0; i < bytes.length; i++)
      bytes[i] = (byte) Integer.parseInt(text.substring(2 * i, 2 * i + 2), 16);
    return bytes;
  }
}
