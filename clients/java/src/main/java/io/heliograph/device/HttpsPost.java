package io.heliograph.device;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocketFactory;

/** One POST of a JSON text, on the calling thread. */
final class HttpsPost {
  static final int TIME_LIMIT_MS = 15_000;
  /** Two certificates and a few names; an answer above this is not one. */
  private static final int LARGEST_ANSWER = 64 * 1024;

  final int status;
  final String body;
  /** What the service asks for with {@code Retry-After}, in seconds, or null. */
  final String retryAfter;

  private HttpsPost(int status, String body, String retryAfter) {
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  /** The host name is checked as browsers do (RFC 2818). */
  static HttpsPost send(URL url, SSLSocketFactory sockets, String json, Loop loop) throws IOException {
    HttpsURLConnection call = (HttpsURLConnection) url.openConnection();
    Runnable stop = loop.after(TIME_LIMIT_MS, () -> new DaemonThreads("heliograph-cut").newThread(call::disconnect).start());
    try {
      byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
      call.setSSLSocketFactory(sockets);
      call.setConnectTimeout(TIME_LIMIT_MS);
      call.setReadTimeout(TIME_LIMIT_MS);
      call.setInstanceFollowRedirects(false);
      call.setUseCaches(false);
      call.setRequestMethod("POST");
      call.setRequestProperty("Content-Type", "application/json");
      call.setRequestProperty("Connection", "close");
      call.setDoOutput(true);
      // Otherwise the JDK would repeat a POST that got no answer by itself.
      call.setFixedLengthStreamingMode(bytes.length);
      try (OutputStream out = call.getOutputStream()) {
        out.write(bytes);
      }
      int status = call.getResponseCode();
      return new HttpsPost(status, read(call, status), call.getHeaderField("Retry-After"));
    } finally {
      stop.run();
      call.disconnect();
    }
  }

  private static String read(HttpsURLConnection call, int status) throws IOException {
    try (InputStream in = status >= 400 ? call.getErrorStream() : call.getInputStream()) {
      if (in == null) return "";
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      byte[] chunk = new byte[8192];
      for (int length = in.read(chunk); length >= 0; length = in.read(chunk)) {
        body.write(chunk, 0, length);
        if (body.size() <= LARGEST_ANSWER) continue;
        call.disconnect(); // before close(), which would read on
        throw new IOException("answer above " + LARGEST_ANSWER + " bytes");
      }
      // Where the connection ends early, the platform says no more than that this is the end.
      if (body.size() < call.getContentLengthLong()) throw new EOFException("the answer ended early");
      return new String(body.toByteArray(), StandardCharsets.UTF_8);
    }
  }
}
