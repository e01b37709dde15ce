package io.heliograph.device.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.heliograph.device.Activation;
import io.heliograph.device.Device;
import io.heliograph.device.DeviceListener;
import io.heliograph.device.HeliographDeviceException;
import io.heliograph.device.Notification;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Paths;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** The driver of this SDK for the device conformance suite: docs/device-conformance.md in Heliograph's repository. */
public final class Driver {
  private final PrintStream out;
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final List<CompletableFuture<Void>> held = new ArrayList<>();
  private volatile JsonObject handling;
  private Device device;

  private Driver() {
    out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
  }

  public static void main(String[] arguments) throws IOException {
    Driver driver = new Driver();
    JsonObject ready = event("ready");
    ready.addProperty("name", "heliograph-device (Java)");
    String version = Device.class.getPackage().getImplementationVersion();
    ready.addProperty("version", version == null ? "from its classes" : version);
    ready.addProperty("language", "Java " + System.getProperty("java.version"));
    driver.write(ready);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine())
      driver.answer(JsonParser.parseString(line).getAsJsonObject());
    Runtime.getRuntime().halt(0);
  }

  private synchronized void write(JsonObject line) {
    out.print(line + "\n");
    out.flush();
  }

  private void answer(JsonObject command) {
    CompletableFuture<JsonObject> result;
    try {
      result = run(command);
    } catch (HeliographDeviceException | RuntimeException e) {
      result = new CompletableFuture<>();
      result.completeExceptionally(e);
    }
    result.whenComplete(
        (ok, failure) -> {
          JsonObject line = new JsonObject();
          line.add("id", command.get("id"));
          if (failure == null) line.add("ok", ok);
          else line.add("error", error(failure));
          write(line);
        });
  }

  private CompletableFuture<JsonObject> run(JsonObject command) throws HeliographDeviceException {
    switch (command.get("do").getAsString()) {
      case "open":
        open(command);
        JsonElement id = device.deviceId().<JsonElement>map(JsonPrimitive::new).orElse(JsonNull.INSTANCE);
        return CompletableFuture.completedFuture(one("deviceId", id));
      case "activate":
        return device.activate().thenApply(deviceId -> one("deviceId", new JsonPrimitive(deviceId)));
      case "connect":
        return device.connect().thenApply(done -> new JsonObject());
      case "register":
        return device.register(text(command, "topic")).thenApply(token -> one("token", new JsonPrimitive(token)));
      case "unregister":
        return device.unregister(text(command, "topic")).thenApply(done -> new JsonObject());
      case "join":
        return device.join(text(command, "channel")).thenApply(done -> new JsonObject());
      case "leave":
        return device.leave(text(command, "channel")).thenApply(done -> new JsonObject());
      case "channels":
        JsonArray channels = new JsonArray();
        device.channels().forEach(channels::add);
        return CompletableFuture.completedFuture(one("channels", channels));
      case "tokens":
        JsonObject tokens = new JsonObject();
        device.tokens().forEach(tokens::addProperty);
        return CompletableFuture.completedFuture(one("tokens", tokens));
      case "handler":
        handling = command;
        device.onNotificationAsync(this::handle);
        return CompletableFuture.completedFuture(new JsonObject());
      case "release":
        release();
        return CompletableFuture.completedFuture(new JsonObject());
      case "close":
        return device.closeAsync().thenApply(done -> new JsonObject());
      default:
        throw new IllegalArgumentException("unknown command: " + command);
    }
  }

  private void open(JsonObject command) throws HeliographDeviceException {
    Device.Builder builder = Device.builder(Paths.get(text(command, "directory")));
    if (command.has("activation")) builder.activation(activation(command.getAsJsonObject("activation")));
    if (command.has("timeLimitMs")) builder.timeLimit(millis(command, "timeLimitMs"));
    if (command.has("closeLimitMs")) builder.closeLimit(millis(command, "closeLimitMs"));
    if (command.has("connectTimeoutMs")) builder.connectTimeout(millis(command, "connectTimeoutMs"));
    if (command.has("keepaliveSeconds"))
      builder.keepalive(Duration.ofSeconds(command.get("keepaliveSeconds").getAsLong()));
    if (command.has("clockOffsetMs"))
      builder.clock(Clock.offset(Clock.systemUTC(), millis(command, "clockOffsetMs")));
    if (command.has("mayMove")) {
      boolean mayMove = command.get("mayMove").getAsBoolean();
      builder.mayMoveTo((host, port) -> mayMove);
    }
    builder.log(
        line -> {
          JsonObject event = event("log");
          event.addProperty("line", line);
          write(event);
        });
    device = builder.open();
    device.addListener(new Listener());
  }

  private static Activation activation(JsonObject options) {
    String url = text(options, "url");
    String code = text(options, "code");
    return options.has("ca") ? Activation.of(url, code, text(options, "ca")) : Activation.of(url, code);
  }

  private CompletionStage<?> handle(Notification notification) {
    JsonObject event = event("notification");
    event.add("notification", json(notification));
    write(event);
    JsonObject how = handling;
    String mode = text(how, "mode");
    CompletableFuture<Void> worked = new CompletableFuture<>();
    long delayMs = how.has("delayMs") ? how.get("delayMs").getAsLong() : 0;
    if (mode.equals("hold")) hold(worked);
    else timer.schedule(() -> worked.complete(null), delayMs, TimeUnit.MILLISECONDS);
    return worked.thenRun(
        () -> {
          if (mode.equals("fail")) throw new IllegalStateException("the handler fails as it was told");
          JsonObject handled = event("handled");
          handled.addProperty("id", notification.id());
          handled.addProperty("topic", notification.topic());
          write(handled);
        });
  }

  private void hold(CompletableFuture<Void> worked) {
    synchronized (held) {
      held.add(worked);
    }
  }

  private void release() {
    List<CompletableFuture<Void>> released;
    synchronized (held) {
      released = new ArrayList<>(held);
      held.clear();
    }
    released.forEach(worked -> worked.complete(null));
  }

  private static JsonObject json(Notification one) {
    JsonObject json = new JsonObject();
    json.addProperty("id", one.id());
    json.addProperty("topic", one.topic());
    one.channel().ifPresent(value -> json.addProperty("channel", value));
    json.addProperty("payloadText", one.payloadText());
    json.addProperty("acceptedAt", one.acceptedAt());
    json.addProperty("stored", one.isStored());
    json.addProperty("expiration", one.expiration());
    json.addProperty("priority", one.priority());
    json.addProperty("pushType", one.pushType());
    one.collapseId().ifPresent(value -> json.addProperty("collapseId", value));
    one.pending().ifPresent(value -> json.addProperty("pending", value));
    one.uniqueId().ifPresent(value -> json.addProperty("uniqueId", value));
    one.seq().ifPresent(value -> json.addProperty("seq", value));
    return json;
  }

  private static JsonObject error(Throwable failure) {
    Throwable cause = failure.getCause() != null && !(failure instanceof HeliographDeviceException) ? failure.getCause() : failure;
    JsonObject error = new JsonObject();
    boolean isOwn = cause instanceof HeliographDeviceException;
    error.addProperty("reason", isOwn ? ((HeliographDeviceException) cause).reason() : "DriverFailed");
    error.addProperty("message", String.valueOf(cause.getMessage()));
    return error;
  }

  private static JsonObject event(String name) {
    return one("event", new JsonPrimitive(name));
  }

  private static JsonObject one(String key, JsonElement value) {
    JsonObject object = new JsonObject();
    object.add(key, value);
    return object;
  }

  private static String text(JsonObject object, String key) {
    return object.get(key).getAsString();
  }

  private static Duration millis(JsonObject object, String key) {
    return Duration.ofMillis(object.get(key).getAsLong());
  }

  private final class Listener implements DeviceListener {
    @Override
    public void onConnected(String deviceId) {
      JsonObject event = event("connected");
      event.addProperty("deviceId", deviceId);
      write(event);
    }

    @Override
    public void onDisconnected(String cause, OptionalLong retryInMs) {
      JsonObject event = event("disconnected");
      event.addProperty("cause", cause);
      retryInMs.ifPresent(ms -> event.addProperty("retryInMs", ms));
      write(event);
    }

    @Override
    public void onToken(String topic, String token) {
      JsonObject event = event("token");
      event.addProperty("topic", topic);
      event.addProperty("token", token);
      write(event);
    }

    @Override
    public void onAccepted(List<String> topics) {
      JsonObject event = event("accepted");
      JsonArray list = new JsonArray();
      topics.forEach(list::add);
      event.add("topics", list);
      write(event);
    }

    @Override
    public void onRejected(Optional<String> topic, String token, String reason) {
      JsonObject event = event("rejected");
      topic.ifPresent(known -> event.addProperty("topic", known));
      event.addProperty("token", token);
      event.addProperty("reason", reason);
      write(event);
    }

    @Override
    public void onMoved(String host, int port) {
      JsonObject event = event("moved");
      event.addProperty("host", host);
      event.addProperty("port", port);
      write(event);
    }

    @Override
    public void onError(HeliographDeviceException failure) {
      JsonObject event = event("error");
      event.addProperty("reason", failure.reason());
      event.addProperty("message", failure.getMessage());
      failure.topic().ifPresent(topic -> event.addProperty("topic", topic));
      failure.channel().ifPresent(channel -> event.addProperty("channel", channel));
      write(event);
    }
  }
}
