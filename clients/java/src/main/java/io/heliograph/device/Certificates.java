package io.heliograph.device;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** X.509 certificates as PEM text. */
final class Certificates {
  enum Age {
    FRESH,
    RENEWAL_DUE,
    EXPIRED
  }

  private static final Pattern CN = Pattern.compile("(?:^|,)CN=([^,]*)");

  private Certificates() {}

  /** All in the text, at least one. */
  static List<X509Certificate> read(String pem) throws CertificateException {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    byte[] bytes = pem.getBytes(StandardCharsets.UTF_8);
    List<X509Certificate> certificates = new ArrayList<>();
    for (Certificate one : factory.generateCertificates(new ByteArrayInputStream(bytes)))
      certificates.add((X509Certificate) one);
    if (certificates.isEmpty()) throw new CertificateException("no certificate");
    return certificates;
  }

  static boolean isCertificate(String pem) {
    try {
      return !read(pem).isEmpty();
    } catch (CertificateException e) {
      return false;
    }
  }

  /** True when the text is a certificate for this private key, which signs to show it: it may be in hardware. */
  static boolean belongTogether(KeyPair keys, String certificate) {
    byte[] message = "belong together".getBytes(StandardCharsets.US_ASCII);
    try {
      Signature signer = Signature.getInstance("SHA256withECDSA");
      signer.initSign(keys.getPrivate());
      signer.update(message);
      Signature verifier = Signature.getInstance("SHA256withECDSA");
      verifier.initVerify(read(certificate).get(0).getPublicKey());
      verifier.update(message);
      return verifier.verify(signer.sign());
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  /** The common name a certificate was issued for: the device id. */
  static String commonName(String certificate) throws CertificateException {
    String name = read(certificate).get(0).getSubjectX500Principal().getName();
    Matcher found = CN.matcher(name);
    return found.find() ? found.group(1) : null;
  }

  /** Renewal is due when less than a third of the validity is left. */
  static Age age(String certificate, long nowMs) {
    try {
      X509Certificate read = read(certificate).get(0);
      long end = read.getNotAfter().getTime();
      if (nowMs >= end) return Age.EXPIRED;
      return end - nowMs < (end - read.getNotBefore().getTime()) / 3 ? Age.RENEWAL_DUE : Age.FRESH;
    } catch (CertificateException e) {
      throw new IllegalStateException(e); // checked when it was stored
    }
  }
}
