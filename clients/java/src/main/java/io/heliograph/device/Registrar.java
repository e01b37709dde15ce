package io.heliograph.device;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.DoubleSupplier;

/** Keeps the device's topics and the service's view of them the same. */
final class Registrar {
  /** Among the topics that are repeated; no topic has a space. */
  private static final String PRESENT = "the tokens";

  /** Reasons of the service for which a new registration gives a new, good token. */
  private static final Set<String> CURABLE =
      Collections.unmodifiableSet(
          new HashSet<>(Arrays.asList("BadDeviceToken", "NotYourToken", "Unregistered")));

  private final RegistrationStore store;
  private final Request.Send service;
  private final Events events;
  private final Loop loop;
  private final long timeLimitMs;
  private final Repeats repeats;

  private final Map<String, CompletableFuture<String>> waiting = new LinkedHashMap<>();
  private final Map<String, CompletableFuture<Void>> leaving = new HashMap<>();
  /** The newest wish of this run to leave a topic; an older one that is told late is not it. */
  private final Map<String, Registration> farewells = new HashMap<>();
  /** Topics unregistered in this run: a straggler for them is nobody's. */
  private final Set<String> left = new HashSet<>();
  /** Topics registered again after a refusal and not accepted since. */
  private final Set<String> retried = new HashSet<>();

  Registrar(
      RegistrationStore store,
      Request.Send service,
      Events events,
      Loop loop,
      DoubleSupplier random,
      long timeLimitMs) {
    this.store = store;
    this.service = service;
    this.events = events;
    this.loop = loop;
    this.timeLimitMs = timeLimitMs;
    repeats = new Repeats(loop, random);
  }

  /** The token of every registered topic. */
  Map<String, String> tokens() {
    Map<String, String> tokens = new LinkedHashMap<>();
    store.topics().forEach((topic, known) -> {
      if (known.isWanted && known.token != null) tokens.put(topic, known.token);
    });
    return tokens;
  }

  /** Whether there is a token for every topic that is wanted. */
  boolean hasEveryToken() {
    return store.topics().values().stream().allMatch(known -> !known.isWanted || known.token != null);
  }

  boolean hasLeft(String topic) {
    Registration known = store.get(topic);
    return left.contains(topic) || (known != null && !known.isWanted);
  }

  /** Asks for the token of a topic, now or as soon as there is a connection. An unregister that waits is over with that. */
  CompletableFuture<String> register(String topic) {
    CompletableFuture<String> asked = waiting.get(topic);
    if (asked != null) return asked;
    CompletableFuture<String> answer = await(waiting, topic, Request.register);
    try {
      store.change(topic, before -> before != null && before.isWanted ? before : Registration.wanted(null));
    } catch (HeliographDeviceException e) {
      answer.completeExceptionally(e);
      return answer;
    }
    left.remove(topic);
    CompletableFuture<Void> given = leaving.remove(topic);
    if (given != null) given.complete(null);
    sendRegister(topic);
    return answer;
  }

  /** Makes the token of a topic dead. The wish is on disk first, so it survives being offline; if it cannot be, nothing changes. */
  CompletableFuture<Void> unregister(String topic) {
    CompletableFuture<Void> asked = leaving.get(topic);
    if (asked != null) return asked;
    CompletableFuture<Void> answer = await(leaving, topic, Request.unregister);
    Registration wish = Registration.leaving();
    try {
      store.change(topic, before -> wish);
    } catch (HeliographDeviceException e) {
      answer.completeExceptionally(e);
      return answer;
    }
    left.add(topic);
    repeats.stop(topic);
    farewells.put(topic, wish);
    CompletableFuture<String> given = waiting.remove(topic);
    if (given != null) given.completeExceptionally(Fault.Closed.with(topic + " was unregistered", topic, null));
    leave(topic, wish);
    return answer;
  }

  /** After every CONNACK: presents the tokens, then repeats what was never answered. */
  void onConnected() {
    present();
    store.topics().forEach((topic, known) -> {
      if (!known.isWanted) leave(topic, known);
      else if (known.token == null || waiting.containsKey(topic)) sendRegister(topic);
    });
  }

  /** Shows the service which tokens this device holds; it answers, and drains what is pending. */
  void present() {
    sendTokens();
    repeats.start(PRESENT, this::sendTokens);
  }

  /** Where this fails it is presented again after the next CONNACK. */
  private void sendTokens() {
    service.send(Request.connect, entry("tokens", new ArrayList<>(tokens().values())));
  }

  /** What was not answered is asked for again after the next CONNACK. */
  void onDisconnected() {
    repeats.stopAll();
  }

  /** {@code heliograph/token} */
  void onToken(Map<String, Object> message) throws HeliographDeviceException {
    String topic = Json.nameAt(message, "topic");
    String token = Json.nameAt(message, "token");
    if (topic != null && token != null) keep(topic, token);
  }

  /** {@code heliograph/connected} */
  void onAccount(Map<String, Object> message) throws HeliographDeviceException {
    repeats.stop(PRESENT);
    List<String> accepted = new ArrayList<>();
    for (Object topic : Json.listAt(message, "accepted")) if (topic instanceof String) accepted.add((String) topic);
    retried.removeAll(accepted);
    if (!accepted.isEmpty()) events.emit(listener -> listener.onAccepted(Collections.unmodifiableList(accepted)));
    for (Object renewed : Json.listAt(message, "renewed"))
      if (Json.asObject(renewed) != null) onToken(Json.asObject(renewed));
    for (Object rejected : Json.listAt(message, "rejected"))
      if (Json.asObject(rejected) != null) onRejected(Json.asObject(rejected));
  }

  /** {@code heliograph/error}: ends the registration it is about, or is told where nobody waits for it. */
  void onError(Map<String, Object> message) throws HeliographDeviceException {
    String reason = textOr(message, "reason", "unknown");
    Map<String, Object> request = Json.objectAt(message, "request");
    String kind = textOr(request, "kind", "unknown");
    String topic = Json.textAt(request, "topic");
    // The topic is not registered: that is what unregister wanted.
    if (kind.equals(Request.unregister.name()) && reason.equals("UnknownTopic")) return;
    if (kind.equals(Request.register.name())) onRegisterRefused(reason, topic);
    else events.error(refusal(reason, kind, topic));
  }

  /** Ends every wait. */
  void close() {
    repeats.stopAll();
    Throwable closed = Fault.Closed.with("the device was closed before the service answered");
    for (CompletableFuture<?> wait : new ArrayList<>(waiting.values())) wait.completeExceptionally(closed);
    for (CompletableFuture<?> wait : new ArrayList<>(leaving.values())) wait.completeExceptionally(closed);
  }

  private void keep(String topic, String token) throws HeliographDeviceException {
    repeats.stop(topic);
    Registration known = store.get(topic);
    if (known == null || !known.isWanted) return;
    boolean isNew = !token.equals(known.token);
    if (isNew) store.change(topic, before -> Registration.wanted(token));
    CompletableFuture<String> waits = waiting.get(topic);
    if (waits != null) waits.complete(token);
    if (isNew) events.emit(listener -> listener.onToken(topic, token));
  }

  private void onRejected(Map<String, Object> rejected) throws HeliographDeviceException {
    String token = textOr(rejected, "token", "");
    String reason = textOr(rejected, "reason", "unknown");
    Optional<String> topic = topicOf(token);
    events.emit(listener -> listener.onRejected(topic, token, reason));
    if (!topic.isPresent()) return;
    if (CURABLE.contains(reason) && retried.add(topic.get())) {
      registerAgain(topic.get());
      return;
    }
    String text = "the service refuses the token for " + topic.get() + ": " + reason;
    events.error(new HeliographDeviceException(reason, text, topic.get(), null));
  }

  private Optional<String> topicOf(String token) {
    for (Map.Entry<String, String> held : tokens().entrySet())
      if (held.getValue().equals(token)) return Optional.of(held.getKey());
    return Optional.empty();
  }

  private void registerAgain(String topic) throws HeliographDeviceException {
    store.change(topic, before -> before != null && before.isWanted ? Registration.wanted(null) : before);
    sendRegister(topic);
  }

  /** A topic that is not a topic is not echoed: then it is the one that is waited for. */
  private void onRegisterRefused(String reason, String echoed) throws HeliographDeviceException {
    String topic = echoed == null && waiting.size() == 1 ? waiting.keySet().iterator().next() : echoed;
    HeliographDeviceException refusal = refusal(reason, Request.register.name(), topic);
    CompletableFuture<String> waits = topic == null ? null : waiting.get(topic);
    if (topic != null) {
      repeats.stop(topic);
      // A topic that never had a token is not asked for again at the next connect.
      store.change(topic, before -> before != null && before.isWanted && before.token == null ? null : before);
    }
    if (waits != null) waits.completeExceptionally(refusal);
    else events.error(refusal);
  }

  /** Where this fails it is sent again after the next CONNACK. */
  private void leave(String topic, Registration wish) {
    service.send(Request.unregister, entry("topic", topic)).thenRun(() -> onLeft(topic, wish));
  }

  /** Only the wish that was told is done with: the program may have changed its mind twice since. */
  private void onLeft(String topic, Registration wish) {
    try {
      store.change(topic, before -> before == wish ? null : before);
      if (farewells.get(topic) != wish) return;
      CompletableFuture<Void> waits = leaving.remove(topic);
      if (waits != null) waits.complete(null);
    } catch (HeliographDeviceException e) {
      events.error(e); // told again after the next CONNACK
    }
  }

  /** Where this fails it is sent again after the next CONNACK. */
  private void sendRegister(String topic) {
    Map<String, Object> body = entry("topic", topic);
    Runnable again = () -> service.send(Request.register, body);
    service.send(Request.register, body).thenRun(() -> {
      if (isAsked(topic)) repeats.start(topic, again);
    });
  }

  /** No answer has come yet: the PUBACK of the request and the answer can come in any order. */
  private boolean isAsked(String topic) {
    Registration known = store.get(topic);
    return known != null && known.isWanted && (known.token == null || waiting.containsKey(topic));
  }

  /** A wait that ends by an answer, by the time limit or by close(). */
  private <Answer> CompletableFuture<Answer> await(
      Map<String, CompletableFuture<Answer>> waits, String topic, Request what) {
    CompletableFuture<Answer> wait = new CompletableFuture<>();
    String limit = timeLimitMs / 1000.0 + " s";
    String text = "no answer to " + what + " " + topic + " within " + limit + ": it is repeated when the device connects";
    Runnable stop =
        loop.after(timeLimitMs, () -> wait.completeExceptionally(Fault.Timeout.with(text, topic, null)));
    waits.put(topic, wait);
    wait.whenComplete((answer, failure) -> {
      stop.run();
      waits.remove(topic, wait);
    });
    return wait;
  }

  private static HeliographDeviceException refusal(String reason, String kind, String topic) {
    String what = topic == null ? "a " + kind + " request" : "the " + kind + " request for " + topic;
    return new HeliographDeviceException(reason, "the service refused " + what + ": " + reason, topic, null);
  }

  private static Map<String, Object> entry(String key, Object value) {
    return Collections.singletonMap(key, value);
  }

  private static String textOr(Map<String, Object> object, String key, String absent) {
    String text = Json.textAt(object, key);
    return text == null ? absent : text;
  }
}
