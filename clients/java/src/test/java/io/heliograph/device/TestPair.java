package io.heliograph.device;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.Signature;
import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.Locale;
import java.util.TimeZone;

/** A key and a certificate that it has signed itself. */
final class TestPair {
  private static final byte[] COMMON_NAME = {0x06, 0x03, 0x55, 0x04, 0x03};
  private static final byte[] ECDSA_SHA256 = {0x06, 0x08, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 0x04, 0x03, 0x02};
  static final long DAY_MS = 24 * 3600 * 1000L;

  private TestPair() {}

  /** Valid from one moment to another, milliseconds since the epoch. */
  static String certificate(String key, String commonName, long fromMs, long toMs) throws GeneralSecurityException {
    KeyPair keys = new PemKeys().find(key);
    byte[] algorithm = Der.value(0x30, ECDSA_SHA256);
    byte[] text = Der.value(0x0c, commonName.getBytes(StandardCharsets.UTF_8));
    byte[] name = Der.value(0x30, Der.value(0x31, Der.value(0x30, COMMON_NAME, text)));
    byte[] validity = Der.value(0x30, time(fromMs), time(toMs));
    byte[] serial = {0x02, 0x01, 0x01};
    byte[] body = Der.value(0x30, serial, algorithm, name, validity, name, keys.getPublic().getEncoded());
    Signature signer = Signature.getInstance("SHA256withECDSA");
    signer.initSign(keys.getPrivate());
    signer.update(body);
    return Pem.write("CERTIFICATE", Der.value(0x30, body, algorithm, Der.value(0x03, new byte[] {0}, signer.sign())));
  }

  static Credentials make(String commonName, long fromMs, long toMs) throws GeneralSecurityException {
    String key = new PemKeys().create();
    return new Credentials(key, certificate(key, commonName, fromMs, toMs));
  }

  private static byte[] time(long ms) {
    SimpleDateFormat format = new SimpleDateFormat("yyyyMMddHHmmss'Z'", Locale.ROOT);
    format.setTimeZone(TimeZone.getTimeZone("UTC"));
    return Der.value(0x18, format.format(new Date(ms)).getBytes(StandardCharsets.US_ASCII));
  }
}
