package io.heliograph.device;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.Signature;

/** A certificate signing request (PKCS#10, RFC 2986) for a P-256 key. */
final class CertificateRequest {
  private static final byte[] COMMON_NAME = {0x06, 0x03, 0x55, 0x04, 0x03};
  /** ecdsa-with-SHA256, 1.2.840.10045.4.3.2 */
  private static final byte[] ECDSA_SHA256 = {
    0x06, 0x08, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 0x04, 0x03, 0x02
  };

  private static final int SEQUENCE = 0x30;
  private static final int SET = 0x31;
  private static final int UTF8_STRING = 0x0c;
  private static final int BIT_STRING = 0x03;
  private static final int ATTRIBUTES = 0xa0;

  private CertificateRequest() {}

  /** PEM. The name is only a place holder: the service chooses the device id. */
  static String make(KeyPair keys) throws GeneralSecurityException {
    byte[] version = {0x02, 0x01, 0x00};
    byte[] text = Der.value(UTF8_STRING, "device".getBytes(StandardCharsets.UTF_8));
    byte[] name = Der.value(SEQUENCE, Der.value(SET, Der.value(SEQUENCE, COMMON_NAME, text)));
    byte[] info = Der.value(SEQUENCE, version, name, keys.getPublic().getEncoded(), Der.value(ATTRIBUTES));
    Signature signer = Signature.getInstance("SHA256withECDSA");
    signer.initSign(keys.getPrivate());
    signer.update(info);
    byte[] signature = Der.value(BIT_STRING, new byte[] {0}, signer.sign());
    byte[] request = Der.value(SEQUENCE, info, Der.value(SEQUENCE, ECDSA_SHA256), signature);
    return Pem.write("CERTIFICATE REQUEST", request);
  }
}
