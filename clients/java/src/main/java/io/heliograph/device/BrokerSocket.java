package io.heliograph.device;

import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Collections;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.eclipse.paho.client.mqttv3.internal.NetworkModule;

/**
 * The TLS connection under one link, in the place of Paho's own: that one knows only hosts that are names in a URI, forgets a
 * header that comes in two parts, and waits for ever for a write that does not end. It sets no time limits; the link cuts it.
 */
final class BrokerSocket implements NetworkModule {
  /** Twice what IoT Core sends. Paho makes room for all of a packet as soon as it has its length. */
  private static final int LARGEST_PACKET = 256 * 1024;

  private static final int MOST_LENGTH_BYTES = 4;
  private static final Pattern ADDRESS = Pattern.compile("[0-9.]+|.*:.*");

  private final Broker broker;
  private final SSLSocketFactory factory;
  private final Thread.UncaughtExceptionHandler died;
  private final Socket raw = new Socket();
  private final CountDownLatch spoken = new CountDownLatch(1);
  private volatile SSLSocket secure;
  private volatile boolean isLeaving;

  /** Hears in {@code died} of what ends one of Paho's threads that connect and read. */
  BrokerSocket(Broker broker, SSLSocketFactory factory, Thread.UncaughtExceptionHandler died) {
    this.broker = broker;
    this.factory = factory;
    this.died = died;
  }

  /** On Paho's connecting thread. */
  @Override
  public void start() throws IOException {
    Thread.currentThread().setUncaughtExceptionHandler(died);
    raw.setTcpNoDelay(true);
    raw.connect(new InetSocketAddress(broker.host, broker.port));
    SSLSocket socket = (SSLSocket) factory.createSocket(raw, broker.host, broker.port, true);
    secure = socket;
    socket.setSSLParameters(parameters(socket));
    socket.startHandshake();
  }

  /** The host name is checked as browsers do (RFC 2818). */
  private SSLParameters parameters(SSLSocket socket) {
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    // Said even of names without a dot, which the JDK would leave out. An address is none (RFC 6066, 3).
    if (!ADDRESS.matcher(broker.host).matches())
      parameters.setServerNames(Collections.singletonList(new SNIHostName(broker.host)));
    return parameters;
  }

  @Override
  public InputStream getInputStream() throws IOException {
    return new Input(secure.getInputStream());
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    return new Output(secure.getOutputStream());
  }

  /** From now on the end is said in TLS, too; only a device that leaves by itself has the time for that. */
  void leave() {
    isLeaving = true;
  }

  /** Paho's word that the connection is over. */
  @Override
  public void stop() throws IOException {
    spoken.countDown();
    // first, as the goodbye of TLS would wait for a write that does not end
    if (!isLeaving) cut();
    SSLSocket socket = secure;
    try {
      if (socket != null) socket.close();
    } finally {
      cut();
    }
  }

  /** Ends at once whatever is going on, connecting too. */
  void cut() {
    try {
      raw.close();
    } catch (IOException e) {
      // gone all the same
    }
  }

  @Override
  public String getServerURI() {
    return "ssl://" + broker;
  }

  /**
   * Gives nothing before CONNECT has left: Paho's connecting thread waits for ever for a receiver that has ended already. Paho
   * reads the fixed header of a packet byte by byte, and the rest in arrays.
   */
  private final class Input extends FilterInputStream {
    private int headerBytes;
    private int length;

    Input(InputStream in) {
      super(in);
    }

    @Override
    public int available() throws IOException {
      await();
      return in.available();
    }

    @Override
    public int read() throws IOException {
      await();
      int next = in.read();
      if (next >= 0) check(next);
      return next;
    }

    @Override
    public int read(byte[] bytes, int from, int count) throws IOException {
      await();
      return in.read(bytes, from, count);
    }

    private void await() throws IOException {
      Thread.currentThread().setUncaughtExceptionHandler(died);
      try {
        spoken.await();
      } catch (InterruptedException e) {
        throw new InterruptedIOException();
      }
    }

    /** [MQTT 3.1.1, 2.2.3]: seven bits of the length in each byte after the first, and whether another follows. */
    private void check(int next) throws IOException {
      int digits = headerBytes++;
      if (digits == 0) return;
      length |= (next & 0x7f) << 7 * (digits - 1);
      if (length > LARGEST_PACKET || digits > MOST_LENGTH_BYTES) throw new IOException("a packet that is too large");
      if (next > 0x7f) return;
      headerBytes = 0;
      length = 0;
    }
  }

  /** Opens the input with the first packet, also where that fails. */
  private final class Output extends FilterOutputStream {
    Output(OutputStream out) {
      super(out);
    }

    @Override
    public void write(int one) throws IOException {
      write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
      try {
        out.write(bytes, from, count);
      } finally {
        spoken.countDown();
      }
    }
  }
}
