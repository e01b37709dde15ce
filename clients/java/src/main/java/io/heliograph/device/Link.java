package io.heliograph.device;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.Timer;
import java.util.TimerTask;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLSocketFactory;
import org.eclipse.paho.client.mqttv3.IMqttActionListener;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.IMqttToken;
import org.eclipse.paho.client.mqttv3.MqttAsyncClient;
import org.eclipse.paho.client.mqttv3.MqttCallback;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.paho.client.mqttv3.MqttPingSender;
import org.eclipse.paho.client.mqttv3.internal.ClientComms;
import org.eclipse.paho.client.mqttv3.internal.NetworkModule;
import org.eclipse.paho.client.mqttv3.internal.wire.MqttSuback;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

/**
 * One MQTT connection, from dial to end; it never reconnects. A PUBACK leaves when the message has been taken over, and
 * meanwhile the connection goes on. Acknowledgements therefore leave in the order of the work, not of arrival as
 * [MQTT-4.6.0-2] has it: a slow app must not make the service think that the messages of another app were lost.
 */
final class Link {
  /** All for one attempt. */
  static final class Options {
    Broker broker;
    Credentials credentials;
    String deviceId;
    int keepaliveSeconds;
    long connectTimeoutMs;
  }

  /** Hears of the connection, always on the loop. */
  interface Listener {
    /** CONNACK. */
    void onOpened(Link link);

    /** The connection is gone, however that came; said once. */
    void onClosed(Link link, String cause);

    /** Done with true when the message may be acknowledged; {@code retained}: the packet's RETAIN flag. */
    CompletableFuture<Boolean> onMessage(String topic, byte[] message, boolean retained);
  }

  /** Paho wants one, and does not use it: the socket knows where it leads. */
  private static final String ANY_URI = "ssl://broker";
  /** How long a clean end may take before the socket is cut. */
  private static final long END_LIMIT_MS = 2_000;
  /** Far above what IoT Core takes. */
  private static final int MOST_IN_FLIGHT = 1_000;
  /** Return codes of a SUBACK below this grant a subscription [MQTT 3.1.1, 3.9.3]. */
  private static final int SUBSCRIBE_FAILURE = 0x80;

  final Options options;
  private final Loop loop;
  private final Listener listener;
  /** Done at the first PUBACK: Paho sends a SUBSCRIBE ahead of messages that it was given earlier. */
  private final CompletableFuture<Void> heard = new CompletableFuture<>();
  /** What waits for an answer of the broker. */
  private final Set<CompletableFuture<?>> pending = new HashSet<>();
  private final Pings pings = new Pings();
  private final BrokerSocket socket;
  private final MqttAsyncClient client;
  private String cause = "the connection was closed";
  private Runnable stopTimer = () -> {};
  private boolean isOpen;
  private boolean isEnding;
  private boolean isClosed;

  /** Dials. Fails where the connection cannot even be tried: say, with a CA that is not PEM. */
  Link(Options options, Keys keys, Loop loop, Listener listener) throws HeliographDeviceException {
    this.options = options;
    this.loop = loop;
    this.listener = listener;
    Credentials pair = options.credentials;
    try {
      SSLSocketFactory factory =
          Tls.forBroker(options.broker.ca, keys.find(pair.key).getPrivate(), pair.certificate);
      // Bytes that Paho cannot digest end its thread: without this the link would be deaf until the next pings.
      socket = new BrokerSocket(options.broker, factory, (thread, thrown) -> pings.endConnection(thrown));
      client = new Client(pings);
      client.setManualAcks(true);
      client.setCallback(new Callback());
      client.connect(connectOptions(), null, new Opening());
    } catch (MqttException | GeneralSecurityException | IOException | RuntimeException e) {
      throw Fault.NotConnected.with(causeOf(e), e);
    }
    stopTimer = loop.after(options.connectTimeoutMs, () -> onEnd("no answer within " + options.connectTimeoutMs + " ms"));
  }

  private MqttConnectOptions connectOptions() {
    MqttConnectOptions connect = new MqttConnectOptions();
    connect.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
    connect.setCleanSession(true);
    connect.setAutomaticReconnect(false);
    connect.setKeepAliveInterval(options.keepaliveSeconds);
    connect.setMaxInflight(MOST_IN_FLIGHT);
    return connect;
  }

  /** Done when the broker has acknowledged the message (QoS 1). */
  CompletableFuture<Void> publish(String topic, String text) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    MqttMessage message = new MqttMessage(text.getBytes(StandardCharsets.UTF_8));
    message.setQos(1);
    pending.add(done);
    try {
      client.publish(topic, message, null, new Publishing(done));
    } catch (MqttException | RuntimeException e) {
      fail(done, e);
    }
    return done;
  }

  /** Done with which filters the broker has granted (QoS 1); IoT Core takes at most 8 at a time. */
  CompletableFuture<List<Boolean>> subscribe(List<String> filters) {
    CompletableFuture<List<Boolean>> done = new CompletableFuture<>();
    int[] qos = new int[filters.size()];
    Arrays.fill(qos, 1);
    pending.add(done);
    onceHeard(() -> {
      try {
        client.subscribe(filters.toArray(new String[0]), qos, null, new Subscribing(done));
      } catch (MqttException | RuntimeException e) {
        fail(done, e);
      }
    });
    return done;
  }

  void unsubscribe(String filter) {
    onceHeard(() -> {
      try {
        client.unsubscribe(filter);
      } catch (MqttException | RuntimeException e) {
        // the connection ends, and the subscription with it
      }
    });
  }

  private void onceHeard(Runnable action) {
    heard.thenRun(() -> {
      if (!isClosed && !isEnding) action.run();
    });
  }

  private <Answer> void succeed(CompletableFuture<Answer> done, Answer answer) {
    pending.remove(done);
    done.complete(answer);
  }

  private void fail(CompletableFuture<?> done, Throwable failure) {
    pending.remove(done);
    done.completeExceptionally(Fault.NotConnected.with(causeOf(failure), failure));
  }

  /** Says DISCONNECT, after what was to be sent before, and ends. */
  void end() {
    if (isEnding || isClosed) return;
    isEnding = true;
    cause = "the device closed the connection";
    if (!isOpen) {
      onEnd(cause);
      return;
    }
    stopTimer.run();
    stopTimer = loop.after(END_LIMIT_MS, () -> onEnd(cause));
    socket.leave();
    try {
      client.disconnect(0, null, new Ending());
    } catch (MqttException | RuntimeException e) {
      onEnd(cause);
    }
  }

  private void onOpen() {
    if (isClosed) return;
    stopTimer.run();
    isOpen = true;
    listener.onOpened(this);
  }

  /** The first cause counts; those after it are its echo. */
  private void onEnd(String why) {
    if (isClosed) return;
    isClosed = true;
    isOpen = false;
    stopTimer.run();
    socket.cut();
    if (!isEnding) cause = why;
    for (CompletableFuture<?> done : new HashSet<>(pending)) fail(done, new IOException(cause));
    listener.onClosed(this, cause);
  }

  private void onArrived(String topic, MqttMessage message) {
    if (isClosed || isEnding) return;
    int id = message.getId();
    int qos = message.getQos();
    listener.onMessage(topic, message.getPayload(), message.isRetained()).thenAccept(isTaken -> {
      if (isTaken && qos > 0) acknowledge(id, qos);
    });
  }

  /** A message id means nothing once its connection has ended. */
  private void acknowledge(int id, int qos) {
    if (isClosed || isEnding) return;
    try {
      client.messageArrivedComplete(id, qos);
    } catch (MqttException | RuntimeException e) {
      onEnd(causeOf(e));
    }
  }

  /** Paho's own messages say little; the cause behind them does. */
  private static String causeOf(Throwable thrown) {
    Throwable deepest = thrown;
    while (deepest.getCause() != null) deepest = deepest.getCause();
    return Fault.messageOf(deepest);
  }

  private final class Callback implements MqttCallback {
    @Override
    public void connectionLost(Throwable thrown) {
      loop.run(() -> onEnd(causeOf(thrown)));
    }

    @Override
    public void messageArrived(String topic, MqttMessage message) {
      loop.run(() -> onArrived(topic, message));
    }

    @Override
    public void deliveryComplete(IMqttDeliveryToken token) {}
  }

  private final class Opening implements IMqttActionListener {
    @Override
    public void onSuccess(IMqttToken token) {
      loop.run(Link.this::onOpen);
    }

    @Override
    public void onFailure(IMqttToken token, Throwable thrown) {
      loop.run(() -> onEnd(thrown == null ? cause : causeOf(thrown)));
    }
  }

  private final class Publishing implements IMqttActionListener {
    private final CompletableFuture<Void> done;

    Publishing(CompletableFuture<Void> done) {
      this.done = done;
    }

    @Override
    public void onSuccess(IMqttToken token) {
      loop.run(() -> {
        succeed(done, null);
        heard.complete(null);
      });
    }

    @Override
    public void onFailure(IMqttToken token, Throwable thrown) {
      loop.run(() -> fail(done, thrown == null ? new IOException(cause) : thrown));
    }
  }

  private final class Subscribing implements IMqttActionListener {
    private final CompletableFuture<List<Boolean>> done;

    Subscribing(CompletableFuture<List<Boolean>> done) {
      this.done = done;
    }

    @Override
    public void onSuccess(IMqttToken token) {
      List<Boolean> granted = new ArrayList<>();
      for (int code : token.getGrantedQos()) granted.add(code < SUBSCRIBE_FAILURE);
      loop.run(() -> succeed(done, granted));
    }

    /** Also where the SUBACK refuses: then it is there. */
    @Override
    public void onFailure(IMqttToken token, Throwable thrown) {
      if (token != null && token.getResponse() instanceof MqttSuback) onSuccess(token);
      else loop.run(() -> fail(done, thrown == null ? new IOException(cause) : thrown));
    }
  }

  private final class Ending implements IMqttActionListener {
    @Override
    public void onSuccess(IMqttToken token) {
      loop.run(() -> onEnd(cause));
    }

    @Override
    public void onFailure(IMqttToken token, Throwable thrown) {
      loop.run(() -> onEnd(cause));
    }
  }

  /** Paho's client, over a socket of ours. */
  private final class Client extends MqttAsyncClient {
    Client(MqttPingSender pings) throws MqttException {
      super(ANY_URI, options.deviceId, new MemoryPersistence(), pings);
    }

    @Override
    protected NetworkModule[] createNetworkModules(String uri, MqttConnectOptions connect) {
      return new NetworkModule[] {socket};
    }
  }

  /** As Paho's own, but on a thread that keeps no program alive. */
  private static final class Pings implements MqttPingSender {
    private ClientComms comms;
    private Timer timer;
    private boolean isStopped;

    @Override
    public void init(ClientComms client) {
      comms = client;
    }

    @Override
    public synchronized void start() {
      if (isStopped) return;
      timer = new Timer("heliograph-ping", true);
      schedule(comms.getKeepAlive());
    }

    @Override
    public synchronized void stop() {
      isStopped = true;
      if (timer != null) timer.cancel();
    }

    @Override
    public synchronized void schedule(long ms) {
      if (isStopped) return;
      TimerTask look = new TimerTask() {
        @Override
        public void run() {
          comms.checkForActivity();
        }
      };
      timer.schedule(look, ms);
    }

    /** Ends the connection as Paho does where it notices by itself that it cannot go on. */
    void endConnection(Throwable why) {
      comms.shutdownConnection(null, new MqttException(why));
    }
  }
}
