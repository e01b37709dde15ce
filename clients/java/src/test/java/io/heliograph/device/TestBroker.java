package io.heliograph.device;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/** A broker for localhost that lets in whoever comes, and reads no more once something was published to it. */
final class TestBroker implements AutoCloseable {
  private static final int CONNECT = 1;
  private static final int PUBLISH = 3;
  private static final int PINGREQ = 12;
  private static final char[] PASSWORD = {};

  final Broker place;
  final BlockingQueue<Socket> connections = new LinkedBlockingQueue<>();
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final SSLServerSocket server;
  private final boolean endsAfterHandshake;

  TestBroker(boolean endsAfterHandshake) throws Exception {
    this.endsAfterHandshake = endsAfterHandshake;
    long now = System.currentTimeMillis();
    Credentials pair = TestPair.make("localhost", now - TestPair.DAY_MS, now + TestPair.DAY_MS);
    server = listen(pair);
    place = new Broker("localhost", server.getLocalPort(), pair.certificate);
    new DaemonThreads("test-broker").newThread(this::accept).start();
  }

  /** On a port of 127.0.0.1; takes little before it is read from. */
  static SSLServerSocket listen(Credentials pair) throws Exception {
    SSLServerSocket server = (SSLServerSocket) context(pair).getServerSocketFactory().createServerSocket();
    server.setReceiveBufferSize(4096);
    server.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0));
    return server;
  }

  private static SSLContext context(Credentials pair) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    Certificate[] chain = Certificates.read(pair.certificate).toArray(new Certificate[0]);
    store.setKeyEntry("broker", new PemKeys().find(pair.key).getPrivate(), PASSWORD, chain);
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, PASSWORD);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    return context;
  }

  /** The next connection that has said CONNECT. */
  Socket next() throws InterruptedException {
    return connections.poll(10, TimeUnit.SECONDS);
  }

  /** A PUBLISH with QoS 0. */
  static byte[] packet(String topic, String text) {
    byte[] name = topic.getBytes(StandardCharsets.UTF_8);
    byte[] message = text.getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream packet = new ByteArrayOutputStream();
    packet.write(PUBLISH << 4);
    packet.write(2 + name.length + message.length); // below 128 in these tests
    packet.write(0);
    packet.write(name.length);
    packet.write(name, 0, name.length);
    packet.write(message, 0, message.length);
    return packet.toByteArray();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        sockets.add(socket);
        new DaemonThreads("test-broker").newThread(() -> serve(socket)).start();
      }
    } catch (IOException e) {
      // the test is over
    }
  }

  private void serve(Socket socket) {
    try (Socket open = socket) {
      DataInputStream in = new DataInputStream(open.getInputStream());
      if (endsAfterHandshake) ((SSLSocket) open).startHandshake();
      else while (true) answer(open, in);
    } catch (IOException e) {
      // it has ended
    }
  }

  private void answer(Socket socket, DataInputStream in) throws IOException {
    int type = in.readUnsignedByte() >> 4;
    int length = 0;
    int shift = 0;
    int digit;
    do {
      digit = in.readUnsignedByte();
      length |= (digit & 0x7f) << shift;
      shift += 7;
    } while (digit > 0x7f);
    in.readFully(new byte[length]);
    OutputStream out = socket.getOutputStream();
    if (type == CONNECT) out.write(new byte[] {0x20, 2, 0, 0});
    if (type == CONNECT) connections.add(socket);
    if (type == PINGREQ) out.write(new byte[] {(byte) 0xd0, 0});
    if (type == PUBLISH) stopReading(socket);
  }

  private static void stopReading(Socket socket) throws IOException {
    try {
      while (!socket.isClosed()) Thread.sleep(50);
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : sockets) socket.close();
  }
}
