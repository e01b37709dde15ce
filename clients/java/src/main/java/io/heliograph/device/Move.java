package io.heliograph.device;

import java.util.Map;
import java.util.function.DoubleSupplier;
import java.util.regex.Pattern;

/**
 * Follows the service to another place. The old one stays on disk until the new one has let the device in and answered for
 * its tokens; while it does not, the device goes back, rests there, and tries again.
 */
final class Move {
  /** Attempts at the new place before one at the old. */
  static final int TRIES = 3;
  /** How long the new place has to answer for every token, from its CONNACK on. */
  static final long PROOF_MS = 60_000;
  /** The first rest at the old place; each is twice the one before, and half to one and a half of it. */
  static final long FIRST_REST_MS = 60_000;

  static final long LAST_REST_MS = 3600_000;
  private static final int MAX_HOST_CHARACTERS = 253;
  private static final int MAX_CA_CHARACTERS = 32_768;

  /** A name or an address, and nothing that a log or a certificate's check could misread. */
  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9._:-]{1," + MAX_HOST_CHARACTERS + "}");

  private enum Place {
    NONE,
    OLD,
    NEW
  }

  /** What the move asks of the device around it. */
  interface Parts {
    /** Ends the connection and makes a new one at once. */
    void reconnect();

    /** Whether the service has a token for every topic that the program wants. */
    boolean hasEveryToken();

    /** The program's own word on where its device may go. */
    boolean mayMoveTo(String host, int port);

    void moved(Broker place);

    void report(HeliographDeviceException failure);

    void log(String line);
  }

  private final IdentityStore identity;
  private final Loop loop;
  private final DoubleSupplier random;
  private final Parts parts;

  /** Attempts in a row that came to nothing at the new place. */
  private int failures;

  private int rests;
  /** By the loop's uptime; null: not resting. */
  private Long restUntil;

  /** Where the open connection leads; none for a new place that has sent the device on. */
  private Place at = Place.NONE;

  private boolean isAnswered;
  private Runnable stop = () -> {};

  Move(IdentityStore identity, Loop loop, DoubleSupplier random, Parts parts) {
    this.identity = identity;
    this.loop = loop;
    this.random = random;
    this.parts = parts;
  }

  /** Where to connect now. */
  Broker broker() {
    Broker move = identity.current().move;
    return move != null && failures < TRIES && restMs() <= 0 ? move : identity.current().activated.mqtt;
  }

  void onOpened(Broker used) {
    at = isNew(used) ? Place.NEW : Place.OLD;
    isAnswered = false;
    if (at == Place.NEW) after(PROOF_MS, this::giveUp);
    else if (identity.current().move != null) rest();
  }

  /** An attempt ended before its CONNACK. */
  void onFailed(Broker used) {
    // nobody at the old place either: no reason to prefer it
    if (isNew(used)) failures++;
    else tryAgain();
  }

  void onDisconnected() {
    stop.run();
    if (at == Place.NEW) failures++;
    at = Place.NONE;
  }

  /** {@code heliograph/move} */
  void onMove(Map<String, Object> message) throws HeliographDeviceException {
    if (!message.containsKey("mqtt")) {
      stay();
      return;
    }
    Broker move = read(message);
    if (move == null) {
      String text = "the service named a place to go to that cannot be one; the device stays";
      parts.report(Fault.BadMessage.with(text));
    } else if (move.equals(identity.current().move)) {
      return;
    } else if (move.equals(identity.current().activated.mqtt)) {
      stay();
    } else if (!parts.mayMoveTo(move.host, move.port)) {
      String text = "the service goes to " + move + ", where this program lets its device not go";
      parts.report(Fault.MoveRefused.with(text));
    } else {
      begin(move);
    }
  }

  /** The service has said what happened to the tokens. */
  void onAccount() {
    isAnswered = true;
  }

  /** To be called after every answer: the one that was missing may have come. */
  void settle() throws HeliographDeviceException {
    Broker move = identity.current().move;
    if (at != Place.NEW || move == null || !isAnswered || !parts.hasEveryToken()) return;
    stop.run();
    at = Place.OLD;
    identity.change(kept -> kept.withActivated(kept.activated.at(move)).withMove(null));
    tryAgain();
    // two services that send a device to each other do not make it hurry
    restUntil = loop.uptime() + nextRestMs();
    parts.log("the device has moved to " + move);
    parts.moved(move);
  }

  void stop() {
    stop.run();
  }

  private void begin(Broker move) throws HeliographDeviceException {
    identity.change(kept -> kept.withMove(move));
    parts.log("the service goes to " + move + ": following");
    // A place that was not proven has named another: its answers are no proof for that one.
    if (at == Place.NEW) at = Place.NONE;
    isAnswered = false;
    failures = 0;
    rests = 0;
    after(Math.max(0, restMs()), this::go);
  }

  /** What any place but the old one says of it changes nothing. */
  private void stay() throws HeliographDeviceException {
    if (at != Place.OLD || identity.current().move == null) return;
    stop.run();
    identity.change(kept -> kept.withMove(null));
    parts.log("the service stays where it is");
  }

  private void go() {
    tryAgain();
    parts.reconnect();
  }

  private void tryAgain() {
    failures = 0;
    restUntil = null;
  }

  /** The new place let the device in and does not serve it. */
  private void giveUp() {
    parts.log("the new place does not answer: back to the old one");
    failures = TRIES;
    parts.reconnect();
  }

  /** At the old place; a connection that ends meanwhile makes the rest no longer. */
  private void rest() {
    if (restMs() <= 0) {
      restUntil = loop.uptime() + nextRestMs();
      rests++;
    }
    after(restMs(), this::go);
  }

  private long nextRestMs() {
    return Backoff.variedMs(FIRST_REST_MS, LAST_REST_MS, rests, random);
  }

  /** What is left of the rest; nothing or less: it is over. */
  private long restMs() {
    return restUntil == null ? 0 : restUntil - loop.uptime();
  }

  private boolean isNew(Broker used) {
    return used.equals(identity.current().move);
  }

  private void after(long ms, Runnable action) {
    stop.run();
    stop = loop.after(ms, action);
  }

  private static Broker read(Map<String, Object> message) {
    Broker broker = Broker.parse(Json.objectAt(message, "mqtt"));
    if (broker == null || broker.ca.length() > MAX_CA_CHARACTERS) return null;
    return HOST.matcher(broker.host).matches() ? broker : null;
  }
}
