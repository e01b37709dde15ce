package io.heliograph.device;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/**
 * Brings each notification to the handler once, those of one topic or channel in the order they came, those of different ones
 * side by side. Says for each message whether it may be acknowledged.
 */
final class Inbox {
  /** Waiting notifications per topic or channel; IoT Core leaves at most 100 unacknowledged on a connection. */
  static final int MOST_WAITING = 100;

  /** What the inbox asks of the device around it. */
  interface Parts {
    /** True for a topic that was unregistered here: a straggler for it is dropped. */
    boolean hasLeft(String topic);

    /** True for a channel that this device has joined: what comes on another one is dropped. */
    boolean isJoined(String channel);

    /** Runs the program's code, not on the loop; the program's executor may refuse that. */
    void runElsewhere(Runnable work);

    void report(HeliographDeviceException failure);

    /** It was acknowledged and not handed over. */
    void dropped(Notification notification, DropCause why);

    void log(String line);
  }

  /** The program's own: done when the notification has been taken over. */
  interface Handler extends Function<Notification, CompletionStage<?>> {}

  private static final class Waiting {
    final Notification notification;
    final CompletableFuture<Boolean> isTaken = new CompletableFuture<>();

    Waiting(Notification notification) {
      this.notification = notification;
    }
  }

  private static final class Lane {
    final Deque<Waiting> waiting = new ArrayDeque<>();
    boolean isAtWork;
  }

  private final TakenStore taken;
  private final Redrain redrain;
  /** The same for channels. */
  private final Redrain rejoin;

  private final Loop loop;
  private final Parts parts;
  private final Map<String, Lane> lanes = new HashMap<>();
  private Handler handler;
  /** Done when no handler is at work; null while the device is open. */
  private CompletableFuture<Void> finished;

  Inbox(TakenStore taken, Redrain redrain, Redrain rejoin, Loop loop, Parts parts) {
    this.taken = taken;
    this.redrain = redrain;
    this.rejoin = rejoin;
    this.loop = loop;
    this.parts = parts;
  }

  void handleWith(Handler program) {
    handler = program;
    workAll();
  }

  /** Gives up on what waits for a handler; done when no handler is at work. */
  CompletableFuture<Void> finish() {
    finished = new CompletableFuture<>();
    workAll();
    lookFinished();
    return finished;
  }

  /** Done with true when the message may be acknowledged. */
  CompletableFuture<Boolean> receive(byte[] message) {
    String text = textOf(message);
    Notification notification = text == null ? null : Notification.parse(text);
    return notification == null ? unreadable() : receive(notification, notification.topic(), redrain);
  }

  /** What has come on the topic of a channel; {@code retained}: the packet's RETAIN flag. */
  CompletableFuture<Boolean> receiveBroadcast(String channel, byte[] message, boolean retained) {
    // how the broker says that it has nothing stored any more, when a channel is deleted
    if (message.length == 0) return CompletableFuture.completedFuture(true);
    String text = textOf(message);
    Notification notification = text == null ? null : Notification.parseBroadcast(text, channel, retained);
    if (notification != null) return receive(notification, channel, rejoin);
    // Where nobody has asked for it, nobody has to hear that it is unreadable.
    return parts.isJoined(channel) ? unreadable() : CompletableFuture.completedFuture(true);
  }

  private CompletableFuture<Boolean> receive(Notification notification, String origin, Redrain again) {
    return inLane(notification).thenApply(isTaken -> {
      if (isTaken) again.onTaken(origin);
      else again.onFailed(origin);
      return isTaken;
    });
  }

  /** Acknowledged anyway: it would not be any more readable the next time. */
  private CompletableFuture<Boolean> unreadable() {
    parts.report(Fault.BadMessage.with("a notification from the service could not be read and was dropped"));
    return CompletableFuture.completedFuture(true);
  }

  private static String textOf(byte[] message) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(message)).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  private CompletableFuture<Boolean> inLane(Notification notification) {
    Lane lane = lanes.computeIfAbsent(notification.origin(), origin -> new Lane());
    if (lane.waiting.size() >= MOST_WAITING) return CompletableFuture.completedFuture(false);
    Waiting next = new Waiting(notification);
    lane.waiting.add(next);
    work(notification.origin(), lane);
    return next.isTaken;
  }

  private void workAll() {
    for (Map.Entry<String, Lane> entry : new ArrayList<>(lanes.entrySet()))
      work(entry.getKey(), entry.getValue());
  }

  /** Goes on until a handler is at work or there is nothing to do; the one at work stays the first of its lane. */
  private void work(String origin, Lane lane) {
    while (!lane.isAtWork && !lane.waiting.isEmpty()) {
      Waiting first = lane.waiting.peek();
      Boolean verdict = verdict(first.notification);
      if (verdict == null && handler == null && finished == null) return;
      if (verdict == null && handler != null) handle(origin, lane, first);
      else end(lane, verdict != null && verdict);
    }
    if (lane.waiting.isEmpty()) lanes.remove(origin, lane);
    lookFinished();
  }

  private void end(Lane lane, boolean isTaken) {
    lane.isAtWork = false;
    lane.waiting.remove().isTaken.complete(isTaken);
  }

  private void lookFinished() {
    if (finished != null && lanes.isEmpty()) finished.complete(null);
  }

  /** True: drop and acknowledge; null: to be handled; false: neither can be said now. */
  private Boolean verdict(Notification notification) {
    try {
      return judge(notification);
    } catch (RuntimeException e) {
      parts.report(Fault.of(e));
      return Boolean.FALSE;
    }
  }

  private Boolean judge(Notification notification) {
    String channel = notification.channel().orElse(null);
    if (channel == null && parts.hasLeft(notification.topic())) return drop(notification, DropCause.UNREGISTERED);
    if (channel != null && !parts.isJoined(channel)) return drop(notification, DropCause.LEFT);
    switch (taken.verdict(Taken.of(notification))) {
      case REPEAT:
        return drop(notification, DropCause.REPEAT);
      case OUTDATED:
        return drop(notification, DropCause.OVERTAKEN);
      default:
        return null;
    }
  }

  private Boolean drop(Notification notification, DropCause why) {
    parts.log(notification + " dropped: " + why.text);
    parts.dropped(notification, why);
    return Boolean.TRUE;
  }

  private void handle(String origin, Lane lane, Waiting first) {
    lane.isAtWork = true;
    Handler program = handler;
    CompletableFuture<Object> result = new CompletableFuture<>();
    try {
      parts.runElsewhere(() -> call(program, first.notification, result));
    } catch (Throwable e) { // refused, or no thread is left for it: a failed handler, too
      result.completeExceptionally(e);
    }
    result.whenComplete((done, failure) -> loop.run(() -> {
      end(lane, failure == null ? remember(first.notification) : failed(first.notification, failure));
      work(origin, lane);
    }));
  }

  private static void call(Handler program, Notification one, CompletableFuture<Object> result) {
    try {
      program.apply(one).whenComplete((done, failure) -> {
        if (failure == null) result.complete(done);
        else result.completeExceptionally(failure);
      });
    } catch (Throwable thrown) { // an Error of the program's is a failed handler, too: the lane must not stop
      result.completeExceptionally(thrown);
    }
  }

  private boolean failed(Notification one, Throwable thrown) {
    String text = "the handler failed on " + one + ", which will come again: " + Fault.messageOf(thrown);
    parts.report(Fault.HandlerFailed.with(text, one.topic(), one.channel().orElse(null), thrown));
    return false;
  }

  /** What is not remembered is not acknowledged either: rather a repeat than a surprise later. */
  private boolean remember(Notification one) {
    try {
      taken.record(Taken.of(one));
      return true;
    } catch (HeliographDeviceException | RuntimeException e) {
      parts.report(Fault.of(e));
      return false;
    }
  }
}
