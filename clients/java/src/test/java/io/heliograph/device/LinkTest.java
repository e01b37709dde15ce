package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.OutputStream;
import java.math.BigInteger;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinkTest {
  /** Of this test alone, so that its threads can be told from others. */
  private final String deviceId = "device-" + System.nanoTime();

  private final Keys keys = new Keys(new PemKeys(), line -> {});
  private final Loop loop = new SystemLoop("test", Clock.systemUTC(), thrown -> {});
  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
  private final List<Thread> died = new ArrayList<>();
  private TestBroker broker;

  @AfterEach
  void close() throws Exception {
    if (broker != null) broker.close();
    Thread.setDefaultUncaughtExceptionHandler(null);
  }

  private Link dial(int keepaliveSeconds) throws Exception {
    return dial(broker.place, keepaliveSeconds);
  }

  private Link dial(Broker place, int keepaliveSeconds) throws Exception {
    Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> died.add(thread));
    Link.Options options = new Link.Options();
    options.broker = place;
    options.credentials = TestPair.make(deviceId, 0, 2 * System.currentTimeMillis());
    options.deviceId = deviceId;
    options.keepaliveSeconds = keepaliveSeconds;
    options.connectTimeoutMs = 10_000;
    CompletableFuture<Link> link = new CompletableFuture<>();
    loop.run(() -> {
      try {
        link.complete(new Link(options, keys, loop, new Hearing()));
      } catch (HeliographDeviceException e) {
        link.completeExceptionally(e);
      }
    });
    return link.get();
  }

  private String next() throws InterruptedException {
    return heard.poll(8, TimeUnit.SECONDS);
  }

  private List<Thread> pahos() {
    List<Thread> threads = new ArrayList<>();
    for (Thread one : Thread.getAllStackTraces().keySet())
      if (one.getName().contains(deviceId) || one.getName().equals("heliograph-ping")) threads.add(one);
    return threads;
  }

  private void assertThatNoThreadIsLeft() throws InterruptedException {
    for (int i = 0; i < 60 && !pahos().isEmpty(); i++) Thread.sleep(50);
    assertEquals(new ArrayList<>(), pahos());
  }

  @Test
  void leavesNoThreadAfterAnAttemptThatEndsJustAfterTheHandshake() throws Exception {
    broker = new TestBroker(true);
    for (int i = 0; i < 3; i++) {
      dial(60);
      assertTrue(next().startsWith("closed"));
    }
    assertThatNoThreadIsLeft();
  }

  @Test
  void leavesNoThreadAfterAnAttemptThatIsGivenUp() throws Exception {
    broker = new TestBroker(false);
    for (int i = 0; i < 3; i++) {
      Link link = dial(60);
      Thread.sleep(i * 20);
      loop.run(link::end);
      while (!next().startsWith("closed")) {}
    }
    assertThatNoThreadIsLeft();
  }

  @Test
  void keepsNoProgramFromEnding() throws Exception {
    broker = new TestBroker(false);
    Link link = dial(60);
    assertEquals("opened", next());
    assertFalse(pahos().isEmpty());
    for (Thread one : pahos()) assertTrue(one.isDaemon(), one.getName());
    loop.run(link::end);
    assertTrue(next().startsWith("closed"));
    assertThatNoThreadIsLeft();
  }

  /** QoS 3, characters that Paho refuses in a topic, and lengths beyond any packet. */
  @ParameterizedTest
  @ValueSource(strings = {"36050001780001", "300400010178", "30060004f09f9880", "30050003efbc81", "30ffffff7f", "308080808080"})
  void endsAtOnceAtBytesThatPahoCannotDigest(String hex) throws Exception {
    broker = new TestBroker(false);
    dial(60);
    assertEquals("opened", next());
    broker.next().getOutputStream().write(new BigInteger(hex, 16).toByteArray());
    assertTrue(next().startsWith("closed"));
    assertThatNoThreadIsLeft();
    assertEquals(new ArrayList<>(), died);
  }

  /** Paho itself would read for a second at most, and then take the rest for a header. */
  @Test
  void readsAHeaderThatComesInTwoParts() throws Exception {
    broker = new TestBroker(false);
    Link link = dial(60);
    assertEquals("opened", next());
    OutputStream out = broker.next().getOutputStream();
    byte[] packet = TestBroker.packet("a", "b");
    out.write(packet, 0, 1);
    Thread.sleep(1_200);
    out.write(packet, 1, packet.length - 1);
    assertEquals("message a b", next());
    loop.run(link::end);
  }

  @Test
  void noticesABrokerThatReadsNoMore() throws Exception {
    broker = new TestBroker(false);
    Link link = dial(1);
    assertEquals("opened", next());
    String large = "x".repeat(100_000);
    loop.run(() -> {
      for (int i = 0; i < 100; i++) link.publish("a", large);
    });
    String end = next();
    assertNotNull(end);
    assertTrue(end.startsWith("closed"), end);
    assertThatNoThreadIsLeft();
  }

  @ParameterizedTest
  @ValueSource(strings = {"new_broker", "a..b", "-x"})
  void endsAsAnyOtherAttemptWhereTheHostCannotBeOne(String host) throws Exception {
    broker = new TestBroker(false);
    dial(new Broker(host, broker.place.port, broker.place.ca), 60);
    assertTrue(next().startsWith("closed"));
    assertThatNoThreadIsLeft();
  }

  private final class Hearing implements Link.Listener {
    @Override
    public void onOpened(Link link) {
      heard.add("opened");
    }

    @Override
    public void onClosed(Link link, String cause) {
      heard.add("closed " + cause);
    }

    @Override
    public CompletableFuture<Boolean> onMessage(String topic, byte[] message, boolean retained) {
      heard.add("message " + topic + " " + new String(message));
      return CompletableFuture.completedFuture(true);
    }
  }
}
