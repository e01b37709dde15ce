package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLServerSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HttpsPostTest {
  private final Loop loop = new ManualLoop();
  private Credentials pair;
  private SSLServerSocket server;

  @BeforeEach
  void start() throws Exception {
    long now = System.currentTimeMillis();
    pair = TestPair.make("localhost", now - TestPair.DAY_MS, now + TestPair.DAY_MS);
    server = TestBroker.listen(pair);
  }

  @AfterEach
  void stop() throws IOException {
    server.close();
  }

  private HttpsPost postAnsweredWith(String head, String body) throws Exception {
    new DaemonThreads("test-server").newThread(() -> answer(head + "Connection: close\r\n\r\n" + body)).start();
    URL url = new URL("https://localhost:" + server.getLocalPort() + "/");
    return HttpsPost.send(url, Tls.forActivation(pair.certificate), "{}", loop);
  }

  private void answer(String text) {
    try (Socket socket = server.accept()) {
      socket.getInputStream().read(new byte[8192]);
      socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      // the request fails
    }
  }

  @Test
  void readsAWholeAnswer() throws Exception {
    HttpsPost told = postAnsweredWith("HTTP/1.1 201 Created\r\nContent-Length: 2\r\nRetry-After: 7\r\n", "{}");
    assertEquals("201 {} 7", told.status + " " + told.body + " " + told.retryAfter);
    HttpsPost untold = postAnsweredWith("HTTP/1.1 400 Bad Request\r\n", "{}");
    assertEquals("400 {} null", untold.status + " " + untold.body + " " + untold.retryAfter);
  }

  @Test
  void takesAnAnswerThatEndsEarlyForNone() {
    assertThrows(EOFException.class, () -> postAnsweredWith("HTTP/1.1 201 Created\r\nContent-Length: 500\r\n", "{}"));
    assertThrows(EOFException.class, () -> postAnsweredWith("HTTP/1.1 400 Bad Request\r\nContent-Length: 500\r\n", "{}"));
  }
}
