package io.heliograph.device;

import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;

/** TLS with the device's own certificate and the service's own CA. */
final class Tls {
  private Tls() {}

  /** For the broker: only what this CA has signed is trusted. */
  static SSLSocketFactory forBroker(String ca, PrivateKey key, String certificate)
      throws GeneralSecurityException, IOException {
    List<X509Certificate> chain = Certificates.read(certificate);
    KeyManager[] own = {new OneKey(key, chain.toArray(new X509Certificate[0]))};
    return factory(own, trusting(ca));
  }

  /** For the activation, without a certificate; the system's CAs where none is given. */
  static SSLSocketFactory forActivation(String ca) throws GeneralSecurityException, IOException {
    return factory(null, ca == null ? null : trusting(ca));
  }

  private static SSLSocketFactory factory(KeyManager[] own, TrustManager[] trusted)
      throws GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(own, trusted, null);
    return context.getSocketFactory();
  }

  private static TrustManager[] trusting(String ca) throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    int number = 0;
    for (X509Certificate one : Certificates.read(ca)) store.setCertificateEntry("ca" + number++, one);
    String algorithm = TrustManagerFactory.getDefaultAlgorithm();
    TrustManagerFactory factory = TrustManagerFactory.getInstance(algorithm);
    factory.init(store);
    return factory.getTrustManagers();
  }

  /** The one key of the device, whoever asks. A key of the Android Keystore fits into no other key store. */
  private static final class OneKey extends X509ExtendedKeyManager {
    private static final String ALIAS = "device";
    private final PrivateKey key;
    private final X509Certificate[] chain;

    OneKey(PrivateKey key, X509Certificate[] chain) {
      this.key = key;
      this.chain = chain;
    }

    @Override
    public String chooseClientAlias(String[] keyTypes, Principal[] issuers, Socket socket) {
      return ALIAS;
    }

    @Override
    public String chooseEngineClientAlias(String[] keyTypes, Principal[] issuers, SSLEngine engine) {
      return ALIAS;
    }

    @Override
    public String[] getClientAliases(String keyType, Principal[] issuers) {
      return new String[] {ALIAS};
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return chain.clone();
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return key;
    }

    @Override
    public String[] getServerAliases(String keyType, Principal[] issuers) {
      return null;
    }

    @Override
    public String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
      return null;
    }
  }
}
