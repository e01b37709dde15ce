package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLServerSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ActivationTest {
  @TempDir Path directory;

  private static void refuse(SSLServerSocket server) {
    String body = "{\"reason\":\"UsedActivationCode\",\"detail\":\"this code has been used\"}";
    String head = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: " + body.length() + "\r\n\r\n";
    try (Socket socket = server.accept()) {
      socket.getInputStream().read(new byte[8192]);
      socket.getOutputStream().write((head + body).getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      // the activation fails otherwise
    }
  }

  @Test
  void tellsTheStatusOfARefusal() throws Exception {
    long now = System.currentTimeMillis();
    Credentials pair = TestPair.make("localhost", now - TestPair.DAY_MS, now + TestPair.DAY_MS);
    try (SSLServerSocket server = TestBroker.listen(pair)) {
      new DaemonThreads("test-server").newThread(() -> refuse(server)).start();
      String url = "https://localhost:" + server.getLocalPort() + "/";
      try (Device device = Device.builder(directory).activation(Activation.of(url, "code", pair.certificate)).open()) {
        ExecutionException thrown =
            assertThrows(ExecutionException.class, () -> device.activate().get(20, TimeUnit.SECONDS));
        HeliographDeviceException refusal = (HeliographDeviceException) thrown.getCause();
        assertEquals("UsedActivationCode", refusal.reason());
        assertEquals(OptionalInt.of(403), refusal.status());
      }
    }
  }

  @Test
  void tellsNoStatusWhereThereWasNone() {
    assertEquals(OptionalInt.empty(), Fault.Timeout.with("no answer").status());
  }
}
