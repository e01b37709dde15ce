package io.heliograph.device;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;

/** What the rules see of a device, without a network. */
final class TestDevice implements Renewal.Parts, Move.Parts, Inbox.Parts, DeviceListener {
  static final String ID = "0123456789abcdef";
  final ManualLoop loop = new ManualLoop();
  final Keys keys = new Keys(new PemKeys(), line -> {});
  final Events events = new Events(Runnable::run);
  /** What was published, with what ends it. */
  final List<String> sent = new ArrayList<>();

  final List<CompletableFuture<Void>> pubacks = new ArrayList<>();
  final List<String> heard = new ArrayList<>();
  boolean isOnline = true;
  boolean hasEveryToken = true;
  boolean mayMove = true;
  boolean refuses;
  String left = "";
  /** The one channel that is joined. */
  String joined = "";
  int reconnects;

  TestDevice() {
    events.add(this);
  }

  /** An identity whose certificate is valid for so many days before and after now. */
  IdentityStore activated(Path directory, long daysBefore, long daysAfter) throws Exception {
    long now = loop.now();
    Credentials pair = TestPair.make(ID, now - daysBefore * TestPair.DAY_MS, now + daysAfter * TestPair.DAY_MS);
    Map<String, Object> publish = Json.object();
    for (Request request : Request.values()) publish.put(request.name(), "rules/" + request);
    IdentityStore store = IdentityStore.open(directory, keys);
    store.change(kept -> Identity.of(new Activated(ID, pair, new Broker("old.example", 8883, pair.certificate), publish)));
    return store;
  }

  void acknowledgeAll() {
    for (CompletableFuture<Void> puback : new ArrayList<>(pubacks)) puback.complete(null);
    pubacks.clear();
  }

  @Override
  public CompletableFuture<Void> send(Request request, Map<String, Object> body) {
    CompletableFuture<Void> puback = new CompletableFuture<>();
    if (isOnline) sent.add(request + " " + Json.write(body));
    if (isOnline) pubacks.add(puback);
    else puback.completeExceptionally(Fault.NotConnected.with("offline"));
    return puback;
  }

  @Override
  public void reconnect() {
    reconnects++;
  }

  @Override
  public boolean hasEveryToken() {
    return hasEveryToken;
  }

  @Override
  public boolean mayMoveTo(String host, int port) {
    return mayMove;
  }

  @Override
  public void moved(Broker place) {
    heard.add("moved " + place);
  }

  @Override
  public boolean hasLeft(String topic) {
    return topic.equals(left);
  }

  @Override
  public boolean isJoined(String channel) {
    return channel.equals(joined);
  }

  @Override
  public void runElsewhere(Runnable work) {
    if (refuses) throw new RejectedExecutionException("full");
    work.run();
  }

  @Override
  public void dropped(Notification notification, DropCause why) {
    heard.add("dropped " + notification.id() + " " + why);
  }

  @Override
  public void report(HeliographDeviceException failure) {
    heard.add("error " + failure.reason());
  }

  @Override
  public void log(String line) {}

  @Override
  public void onToken(String topic, String token) {
    heard.add("token " + topic + " " + token);
  }

  @Override
  public void onAccepted(List<String> topics) {
    heard.add("accepted " + topics);
  }

  @Override
  public void onRejected(Optional<String> topic, String token, String reason) {
    heard.add("rejected " + topic.orElse("?") + " " + reason);
  }

  @Override
  public void onError(HeliographDeviceException failure) {
    heard.add("error " + failure.reason());
  }
}
