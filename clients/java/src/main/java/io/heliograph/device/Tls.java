package io.heliograph.device;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;

/** TLS with the device's own certificate and the service's own CA. */
final class Tls {
  /** What IoT Core speaks; some platforms would offer older ones, too. */
  private static final List<String> PROTOCOLS = Collections.unmodifiableList(Arrays.asList("TLSv1.3", "TLSv1.2"));

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
    return new Sockets(context.getSocketFactory());
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

  /** Sockets that speak no version of TLS but these. */
  private static final class Sockets extends SSLSocketFactory {
    private final SSLSocketFactory factory;

    Sockets(SSLSocketFactory factory) {
      this.factory = factory;
    }

    private static Socket limited(Socket socket) {
      SSLSocket secure = (SSLSocket) socket;
      List<String> protocols = new ArrayList<>(PROTOCOLS);
      protocols.retainAll(Arrays.asList(secure.getSupportedProtocols()));
      secure.setEnabledProtocols(protocols.toArray(new String[0]));
      return secure;
    }

    @Override
    public Socket createSocket() throws IOException {
      return limited(factory.createSocket());
    }

    @Override
    public Socket createSocket(Socket base, String host, int port, boolean autoClose) throws IOException {
      return limited(factory.createSocket(base, host, port, autoClose));
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
      return limited(factory.createSocket(host, port));
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress from, int fromPort) throws IOException {
      return limited(factory.createSocket(host, port, from, fromPort));
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
      return limited(factory.createSocket(host, port));
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress from, int fromPort) throws IOException {
      return limited(factory.createSocket(host, port, from, fromPort));
    }

    @Override
    public String[] getDefaultCipherSuites() {
      return factory.getDefaultCipherSuites();
    }

    @Override
    public String[] getSupportedCipherSuites() {
      return factory.getSupportedCipherSuites();
    }
  }
}
