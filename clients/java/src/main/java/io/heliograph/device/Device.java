package io.heliograph.device;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A device: its identity, its one connection, its topics and its notifications. All methods may be called from any thread. The
 * futures fail with a {@link HeliographDeviceException}. One process per state directory.
 *
 * <pre>{@code
 * try (Device device = Device.builder(directory).activation(Activation.of(url, code)).open()) {
 *   device.onNotification(notification -> keep(notification)); // acknowledged when this returns
 *   device.connect().get();
 *   String token = device.register("com.example.app").get(); // send it to your provider
 *   untilTheServiceStops();
 * }
 * }</pre>
 */
public final class Device implements AutoCloseable {
  private static final String DOWN = "heliograph/";

  /** What no device outlives; such a time, as {@code ChronoUnit.FOREVER}, may not fit into milliseconds. */
  private static final Duration LONGEST = Duration.ofDays(36_500);
  /** [MQTT-3.1.2.10] */
  private static final long LONGEST_KEEPALIVE_SECONDS = 65_535;

  private final Builder settings;
  private final Consumer<String> log;
  private final DoubleSupplier random;
  private final Loop loop;
  private final Executor elsewhere;
  private final IdentityStore identity;
  private final TakenStore taken;
  private final Keys keys;
  private final Events events;
  private final Registrar registrar;
  private final Channels channels;
  private final Renewal renewal;
  private final Move move;
  private final Redrain redrain;
  private final Redrain rejoin;
  private final Inbox inbox;
  private volatile Connection connection;
  private CompletableFuture<Void> connecting;
  private CompletableFuture<String> activating;
  private Activator activator;
  private CompletableFuture<Void> closing;

  private Device(Builder settings) throws HeliographDeviceException {
    this.settings = settings;
    elsewhere = settings.executor == null ? pool() : settings.executor;
    events = new Events(oneAfterTheOther());
    loop = new SystemLoop("heliograph-device", settings.clock, thrown -> events.error(Fault.of(thrown)));
    log = this::log;
    keys = new Keys(settings.keyVault, log);
    StateFiles.makeDirectory(settings.directory);
    identity = IdentityStore.open(settings.directory, keys);
    RegistrationStore registrations = RegistrationStore.open(settings.directory);
    taken = TakenStore.open(settings.directory);
    random = this::random;
    long timeLimitMs = millis(settings.timeLimit);
    registrar = new Registrar(registrations, this::send, events, loop, random, timeLimitMs);
    Parts parts = new Parts();
    renewal = new Renewal(identity, keys, loop, parts);
    move = new Move(identity, loop, random, parts);
    channels = new Channels(ChannelStore.open(settings.directory), parts, loop, random, timeLimitMs);
    redrain = new Redrain(loop, random, topics -> registrar.present());
    rejoin = new Redrain(loop, random, channels::askAgain);
    inbox = new Inbox(taken, redrain, rejoin, loop, parts);
  }

  /**
   * Begins to describe a device.
   *
   * @param directory where this device keeps its state; made if it is missing (mode 0700)
   * @return its options, with the defaults
   */
  public static Builder builder(Path directory) {
    return new Builder(directory);
  }

  /**
   * The id the service gave this device.
   *
   * @return empty before activation
   */
  public Optional<String> deviceId() {
    Activated activated = identity.current().activated;
    return activated == null ? Optional.empty() : Optional.of(activated.deviceId);
  }

  /**
   * Whether there is a connection now.
   *
   * @return true between CONNACK and the end of the connection
   */
  public boolean isConnected() {
    Connection current = connection;
    return current != null && current.isOpen();
  }

  /**
   * Adds a listener.
   *
   * @param listener hears every event from now on
   */
  public void addListener(DeviceListener listener) {
    events.add(Objects.requireNonNull(listener, "listener"));
  }

  /**
   * Removes a listener.
   *
   * @param listener as it was added
   */
  public void removeListener(DeviceListener listener) {
    events.remove(listener);
  }

  /**
   * Sets what takes notifications over; until then they wait, unacknowledged. A second call replaces it.
   *
   * @param handler is called on a thread of its own
   */
  public void onNotification(NotificationHandler handler) {
    Objects.requireNonNull(handler, "handler");
    onNotificationAsync(
        notification -> {
          CompletableFuture<Void> done = new CompletableFuture<>();
          try {
            handler.handle(notification);
            done.complete(null);
          } catch (Exception e) {
            done.completeExceptionally(e);
          }
          return done;
        });
  }

  /**
   * Sets what takes notifications over, for programs that do so asynchronously; see {@link #onNotification}.
   *
   * @param handler what it returns is done when the notification has been taken over, and fails where it could not be
   */
  public void onNotificationAsync(Function<Notification, ? extends CompletionStage<?>> handler) {
    Objects.requireNonNull(handler, "handler");
    loop.run(() -> inbox.handleWith(handler::apply));
  }

  /**
   * Gets the device its certificate. Does nothing when it has one, unless that has expired. After a lost answer, call it
   * again with the same code.
   *
   * @return done with the device id
   */
  public CompletableFuture<String> activate() {
    return onLoop(
        () -> {
          Activated activated = identity.current().activated;
          if (activated != null && !hasExpired(activated)) return CompletableFuture.completedFuture(activated.deviceId);
          return startActivating();
        });
  }

  /**
   * Connects, activating first where needed, and keeps the device connected until {@link #close}.
   *
   * @return done at the first CONNACK, however long that takes; a {@link DeviceListener} hears of every failed attempt
   */
  public CompletableFuture<Void> connect() {
    return onLoop(
        () -> {
          if (connecting == null || connecting.isCompletedExceptionally()) connecting = startConnecting();
          return connecting;
        });
  }

  /**
   * Registers for a topic, also while offline: then the service is asked at the next connect.
   *
   * @param topic the app's bundle id
   * @return done with the device token; fails with the service's reason (for example {@code UnknownTopic}) or {@code Timeout}
   */
  public CompletableFuture<String> register(String topic) {
    String checked = checkedTopic(topic);
    return onLoop(() -> registrar.register(checked));
  }

  /**
   * Makes the topic's token dead. Notifications for the topic are dropped from now on.
   *
   * @param topic the app's bundle id
   * @return done when the service has been told; after a {@code Timeout} the wish is kept, and told at the next connect
   */
  public CompletableFuture<Void> unregister(String topic) {
    String checked = checkedTopic(topic);
    return onLoop(() -> registrar.unregister(checked));
  }

  /**
   * The token of every registered topic, also while offline.
   *
   * @return tokens by topic; unmodifiable
   */
  public Map<String, String> tokens() {
    return Collections.unmodifiableMap(registrar.tokens());
  }

  /**
   * Joins a channel, also while offline: then the broker is asked at the next connect. The device stays joined, also over
   * restarts.
   *
   * @param channel the channel's id
   * @return done when the broker has granted it; fails with {@code BadChannelId}, {@code TooManyChannels}, {@code ChannelRefused}
   *     or {@code Timeout}, after which the wish is kept
   */
  public CompletableFuture<Void> join(String channel) {
    return onLoop(() -> channels.join(channel));
  }

  /**
   * Leaves a channel; what still comes on it is dropped. Needs no connection.
   *
   * @param channel the channel's id
   * @return done when it is forgotten
   */
  public CompletableFuture<Void> leave(String channel) {
    return onLoop(() -> channels.leave(channel));
  }

  /**
   * The ids of the joined channels, also while offline.
   *
   * @return as they are now; unmodifiable
   */
  public Set<String> channels() {
    return channels.joined();
  }

  /**
   * Lets handlers at work finish, within the close limit, and disconnects; what still waits fails with {@code Closed}. The device
   * cannot be used again.
   */
  @Override
  public void close() {
    closeAsync().join();
  }

  /**
   * As {@link #close}, without waiting.
   *
   * @return done when the connection is gone
   */
  public CompletableFuture<Void> closeAsync() {
    CompletableFuture<Void> closed = new CompletableFuture<>();
    loop.run(() -> {
      if (closing == null) closing = attempt(this::startClosing);
      pass(closing, closed);
    });
    return closed;
  }

  private CompletableFuture<Void> startClosing() {
    CompletableFuture<Void> handlersDone = inbox.finish();
    Runnable stop = loop.after(millis(settings.closeLimit), () -> handlersDone.complete(null));
    return handlersDone.thenCompose(
        done -> {
          stop.run();
          if (activator != null) activator.stop();
          registrar.close();
          channels.close();
          renewal.onDisconnected();
          redrain.close();
          rejoin.close();
          move.stop();
          return connection == null ? CompletableFuture.completedFuture(null) : connection.stop();
        }).thenRun(taken::close);
  }

  private static long millis(Duration time) {
    return time.compareTo(LONGEST) > 0 ? LONGEST.toMillis() : time.toMillis();
  }

  /** Runs a call on the loop; its future ends elsewhere, as the program may block in what it hangs on it. */
  private <Answer> CompletableFuture<Answer> onLoop(Supplier<CompletableFuture<Answer>> call) {
    CompletableFuture<Answer> answer = new CompletableFuture<>();
    loop.run(
        () -> {
          if (closing != null) pass(failed(Fault.Closed.with("this device was closed: open it again")), answer);
          else pass(attempt(call), answer);
        });
    return answer;
  }

  /** What is thrown fails the future instead: none may be waited for in vain. */
  private static <Answer> CompletableFuture<Answer> attempt(Supplier<CompletableFuture<Answer>> call) {
    try {
      return call.get();
    } catch (RuntimeException e) {
      return failed(Fault.of(e));
    }
  }

  private <Answer> void pass(CompletableFuture<Answer> from, CompletableFuture<Answer> to) {
    from.whenComplete(
        (value, failure) ->
            runAnyway(
                () -> {
                  if (failure == null) to.complete(value);
                  else to.completeExceptionally(unwrapped(failure));
                }));
  }

  /** Where the program's executor refuses, on a thread of our own: it may have been shut down before the device is closed. */
  private void runAnyway(Runnable work) {
    try {
      elsewhere.execute(work);
    } catch (Throwable refused) {
      new DaemonThreads("heliograph-answer").newThread(work).start();
    }
  }

  private static Throwable unwrapped(Throwable failure) {
    boolean isWrapped = failure instanceof CompletionException && failure.getCause() != null;
    return isWrapped ? failure.getCause() : failure;
  }

  private static <Answer> CompletableFuture<Answer> failed(Throwable failure) {
    CompletableFuture<Answer> future = new CompletableFuture<>();
    future.completeExceptionally(failure);
    return future;
  }

  private boolean hasExpired(Activated activated) {
    return Certificates.age(activated.credentials.certificate, loop.now()) == Certificates.Age.EXPIRED;
  }

  private String noActivation() {
    return "the device in " + settings.directory + " has no valid certificate: open it with an activation url and code";
  }

  private CompletableFuture<String> startActivating() {
    if (activating != null) return activating;
    if (settings.activation == null) return failed(Fault.NotActivated.with(noActivation()));
    activator = new Activator(settings.activation, identity, keys, loop, random, this::runAnyway);
    CompletableFuture<String> started = activator.start();
    if (!started.isDone()) activating = started;
    started.whenComplete(
        (deviceId, failure) -> {
          activating = null;
          if (failure == null) log.accept("activated as " + deviceId);
        });
    return started;
  }

  private CompletableFuture<Void> startConnecting() {
    if (identity.current().activated != null) return dial();
    return startActivating().thenCompose(deviceId -> dial());
  }

  private CompletableFuture<Void> dial() {
    if (closing != null) return failed(Fault.Closed.with("this device was closed: open it again"));
    warnOfExpiry();
    connection = new Connection(loop, random, new ConnectionParts());
    return connection.start();
  }

  /** Only a warning: the device's clock may be the one that is wrong. */
  private void warnOfExpiry() {
    Identity current = identity.current();
    boolean hasNext = current.next != null && current.next.certificate != null;
    if (hasNext || !hasExpired(current.activated)) return;
    report(
        Fault.CertificateExpired.with(
            "the certificate of this device has expired by its clock: set the clock, or activate it again with a new code"));
  }

  private CompletableFuture<Void> send(Request request, Map<String, Object> body) {
    Activated activated = identity.current().activated;
    String topic = activated == null ? null : activated.topicOf(request);
    if (connection == null || topic == null) return failed(Fault.NotConnected.with("the device is not connected"));
    return connection.publish(topic, Json.write(body));
  }

  private CompletableFuture<List<Boolean>> subscribe(List<String> topics) {
    if (connection == null) return failed(Fault.NotConnected.with("the device is not connected"));
    return connection.subscribe(topics);
  }

  private void receiveControl(String topic, byte[] bytes) throws HeliographDeviceException {
    Map<String, Object> message = read(bytes);
    if (message == null) {
      report(Fault.BadMessage.with("a message on " + topic + " is not a JSON object"));
      return;
    }
    switch (topic.substring(DOWN.length())) {
      case "token":
        registrar.onToken(message);
        break;
      case "connected":
        registrar.onAccount(message);
        move.onAccount();
        break;
      case "move":
        move.onMove(message);
        break;
      case "error":
        registrar.onError(message);
        break;
      case "certificate":
        renewal.onCertificate(message);
        break;
      default:
        log.accept("a message on " + topic + " is of no use to this version");
    }
    move.settle();
  }

  private static Map<String, Object> read(byte[] bytes) {
    try {
      return Json.parseObject(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  private void report(HeliographDeviceException failure) {
    log.accept(failure.getMessage());
    events.error(failure);
  }

  /** The program's own code: what it throws must not end what the device is at. */
  private void log(String line) {
    try {
      settings.log.accept(line);
    } catch (Throwable e) {
      events.error(Fault.ListenerFailed.with("the log failed: " + Fault.messageOf(e), e));
    }
  }

  /** The program's own code, too: a wait has to begin whatever that throws. */
  private double random() {
    try {
      return settings.random.getAsDouble();
    } catch (RuntimeException e) {
      return Math.random();
    }
  }

  private static String checkedTopic(String topic) {
    if (topic != null && !topic.isEmpty()) return topic;
    throw new IllegalArgumentException("a topic is the app's bundle id, for example com.example.app");
  }

  private static Executor pool() {
    return Executors.newCachedThreadPool(new DaemonThreads("heliograph-handler"));
  }

  private static Executor oneAfterTheOther() {
    ThreadPoolExecutor one =
        new ThreadPoolExecutor(
            1, 1, 5, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), new DaemonThreads("heliograph-events"));
    one.allowCoreThreadTimeOut(true);
    return one;
  }

  /** What the parts of a device ask of each other. */
  private final class Parts implements Renewal.Parts, Move.Parts, Channels.Parts, Inbox.Parts {
    @Override
    public CompletableFuture<Void> send(Request request, Map<String, Object> body) {
      return Device.this.send(request, body);
    }

    @Override
    public void reconnect() {
      if (connection != null) connection.redial();
    }

    @Override
    public boolean hasEveryToken() {
      return registrar.hasEveryToken();
    }

    @Override
    public boolean hasLeft(String topic) {
      return registrar.hasLeft(topic);
    }

    @Override
    public CompletableFuture<List<Boolean>> subscribe(List<String> topics) {
      return Device.this.subscribe(topics);
    }

    @Override
    public void unsubscribe(String topic) {
      if (connection != null) connection.unsubscribe(topic);
    }

    @Override
    public boolean isJoined(String channel) {
      return channels.isJoined(channel);
    }

    @Override
    public boolean mayMoveTo(String host, int port) {
      try {
        return settings.mayMoveTo.test(host, port);
      } catch (Throwable e) { // who cannot say yes has not
        report(Fault.ListenerFailed.with("mayMoveTo failed: " + Fault.messageOf(e), e));
        return false;
      }
    }

    @Override
    public void dropped(Notification notification, DropCause why) {
      events.emit(listener -> listener.onDropped(notification, why));
    }

    @Override
    public void moved(Broker place) {
      events.emit(listener -> listener.onMoved(place.host, place.port));
    }

    @Override
    public void runElsewhere(Runnable work) {
      elsewhere.execute(work);
    }

    @Override
    public void report(HeliographDeviceException failure) {
      Device.this.report(failure);
    }

    @Override
    public void log(String line) {
      log.accept(line);
    }
  }

  private final class ConnectionParts implements Connection.Parts {
    @Override
    public Link.Options options() {
      Link.Options options = new Link.Options();
      options.broker = move.broker();
      options.credentials = renewal.credentials();
      options.deviceId = identity.current().activated.deviceId;
      options.keepaliveSeconds = (int) Math.min(settings.keepalive.getSeconds(), LONGEST_KEEPALIVE_SECONDS);
      options.connectTimeoutMs = millis(settings.connectTimeout);
      return options;
    }

    @Override
    public Link dial(Link.Options options, Link.Listener listener) throws HeliographDeviceException {
      return new Link(options, keys, loop, listener);
    }

    @Override
    public void onOpened(Link.Options used) {
      log.accept("connected as " + used.deviceId);
      move.onOpened(used.broker);
      registrar.onConnected();
      channels.onConnected();
      renewal.onConnected(used.credentials);
      events.emit(listener -> listener.onConnected(used.deviceId));
    }

    @Override
    public void onFailed(Link.Options used) {
      renewal.onFailed(used.credentials);
      move.onFailed(used.broker);
    }

    @Override
    public void onClosed(String cause, Long retryInMs) {
      registrar.onDisconnected();
      channels.onDisconnected();
      renewal.onDisconnected();
      move.onDisconnected();
      OptionalLong retry = retryInMs == null ? OptionalLong.empty() : OptionalLong.of(retryInMs);
      log.accept(
          "not connected: " + cause + (retryInMs == null ? "" : "; next attempt in " + retryInMs + " ms"));
      events.emit(listener -> listener.onDisconnected(cause, retry));
    }

    /** Every message ends here; what cannot be taken over is reported and not acknowledged. */
    @Override
    public CompletableFuture<Boolean> onMessage(String topic, byte[] message, boolean retained) {
      if (topic.equals(DOWN + "notification")) return inbox.receive(message);
      String channel = Channels.channelOf(topic);
      if (channel != null) return inbox.receiveBroadcast(channel, message, retained);
      if (!topic.startsWith(DOWN)) {
        log.accept("a message on " + topic + " is of no use to this version");
        return CompletableFuture.completedFuture(true);
      }
      try {
        receiveControl(topic, message);
        return CompletableFuture.completedFuture(true);
      } catch (HeliographDeviceException | RuntimeException e) {
        report(Fault.of(e));
        return CompletableFuture.completedFuture(false);
      }
    }
  }

  /** The options of a device. Not for use by several threads. */
  public static final class Builder {
    private final Path directory;
    private Activation activation;
    private Duration timeLimit = Duration.ofSeconds(30);
    private Duration closeLimit = Duration.ofSeconds(5);
    private Duration keepalive = Duration.ofSeconds(60);
    private Duration connectTimeout = Duration.ofSeconds(20);
    private Consumer<String> log = line -> {};
    private BiPredicate<String, Integer> mayMoveTo = (host, port) -> true;
    private KeyVault keyVault = new PemKeys();
    private Executor executor;
    private Clock clock = Clock.systemUTC();
    private DoubleSupplier random = Math::random;

    private Builder(Path directory) {
      this.directory = Objects.requireNonNull(directory, "directory");
    }

    /**
     * What the operator handed out; needed once, until the device is activated.
     *
     * @param value the activation
     * @return this
     */
    public Builder activation(Activation value) {
      activation = Objects.requireNonNull(value, "activation");
      return this;
    }

    /**
     * How long {@code register}, {@code unregister} and {@code join} wait for the service.
     *
     * @param value 30 s by default
     * @return this
     */
    public Builder timeLimit(Duration value) {
      timeLimit = positive(value);
      return this;
    }

    /**
     * How long {@code close} waits for handlers at work.
     *
     * @param value 5 s by default
     * @return this
     */
    public Builder closeLimit(Duration value) {
      closeLimit = positive(value);
      return this;
    }

    /**
     * How often a silent connection says that it lives; IoT Core drops it after one and a half times this.
     *
     * @param value whole seconds, 60 s by default, at most 65,535
     * @return this
     */
    public Builder keepalive(Duration value) {
      if (positive(value).getSeconds() < 1) throw new IllegalArgumentException("at least a second");
      keepalive = value;
      return this;
    }

    /**
     * How long an attempt may take up to CONNACK.
     *
     * @param value 20 s by default
     * @return this
     */
    public Builder connectTimeout(Duration value) {
      connectTimeout = positive(value);
      return this;
    }

    /**
     * Where lines for a person go; they hold no payload, token, code, key or id of a channel. By default nowhere.
     *
     * @param value is called on a thread of the SDK and must not block
     * @return this
     */
    public Builder log(Consumer<String> value) {
      log = Objects.requireNonNull(value, "log");
      return this;
    }

    /**
     * Whether the device may follow the service to a host and port, when the service says that it moves there; by default to
     * any. The place is believed once the service that the device knows has named it.
     *
     * @param value is called on a thread of the SDK and must not block
     * @return this
     */
    public Builder mayMoveTo(BiPredicate<String, Integer> value) {
      mayMoveTo = Objects.requireNonNull(value, "mayMoveTo");
      return this;
    }

    /**
     * Where the private keys are; by default in {@code identity.json}.
     *
     * @param value for example the Android Keystore
     * @return this
     */
    public Builder keyVault(KeyVault value) {
      keyVault = Objects.requireNonNull(value, "keyVault");
      return this;
    }

    /**
     * Runs handlers, and what hangs on the futures of this device; by default on daemon threads, as many as there is work for.
     *
     * @param value should not refuse work: a handler that it does not run has failed. It must have threads enough for handlers
     *     that wait for futures of this device
     * @return this
     */
    public Builder executor(Executor value) {
      executor = Objects.requireNonNull(value, "executor");
      return this;
    }

    /**
     * The time of day, by which certificates are renewed.
     *
     * @param value the system's by default
     * @return this
     */
    public Builder clock(Clock value) {
      clock = Objects.requireNonNull(value, "clock");
      return this;
    }

    /**
     * The jitter of retries.
     *
     * @param value from 0 up to 1
     * @return this
     */
    public Builder random(DoubleSupplier value) {
      random = Objects.requireNonNull(value, "random");
      return this;
    }

    /**
     * Reads the state of the device, or begins a new one. Connects to nothing.
     *
     * @return the device
     * @throws HeliographDeviceException {@code StateDamaged} or {@code StateUnusable}; the message names the file
     */
    public Device open() throws HeliographDeviceException {
      return new Device(copy());
    }

    private Builder copy() {
      Builder copy = new Builder(directory);
      copy.activation = activation;
      copy.timeLimit = timeLimit;
      copy.closeLimit = closeLimit;
      copy.keepalive = keepalive;
      copy.connectTimeout = connectTimeout;
      copy.log = log;
      copy.mayMoveTo = mayMoveTo;
      copy.keyVault = keyVault;
      copy.executor = executor;
      copy.clock = clock;
      copy.random = random;
      return copy;
    }

    private static Duration positive(Duration value) {
      if (value.isNegative() || value.isZero()) throw new IllegalArgumentException("must be positive");
      return value;
    }
  }
}
