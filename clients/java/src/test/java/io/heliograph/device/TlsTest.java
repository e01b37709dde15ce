package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.net.Socket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.junit.jupiter.api.Test;

class TlsTest {
  @Test
  void speaksNoOldVersion() throws Exception {
    SSLSocketFactory factory = Tls.forActivation(null);
    try (Socket socket = factory.createSocket()) {
      assertArrayEquals(new String[] {"TLSv1.3", "TLSv1.2"}, ((SSLSocket) socket).getEnabledProtocols());
    }
  }
}
