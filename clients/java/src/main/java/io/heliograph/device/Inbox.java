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
 * Brings each notification to the handler once, those of one topic in the order they came, those of different topics side by
 * side. Says for each message whether it may be acknowledged.
 */
final class Inbox {
  /** Waiting notifications per topic; IoT Core leaves at most 100 unacknowledged on a connection. */
  static final int MOST_WAITING = 100;

  /** What the inbox asks of the device around it. */
  interface Parts {
    /** True for a topic that was unregistered here: a straggler for it is dropped. */
    boolean hasLeft(String topic);

    /** Runs the program's code, not on the loop. */
    void runElsewhere(Runnable work);

    void report(HeliographDeviceException failure);

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
  private final Loop loop;
  private final Parts parts;
  private final Map<String, Lane> lanes = new HashMap<>();
  private Handler handler;
  /** Done when no handler is at work; null while the device is open. */
  private CompletableFuture<Void> finished;

  Inbox(TakenStore taken, Redrain redrain, Loop loop, Parts parts) {
    this.taken = taken;
    this.redrain = redrain;
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
    Notification notification = read(message);
    if (notification == null) {
      parts.report(Fault.BadMessage.with("a notification from the service could not be read and was dropped"));
      // Acknowledged anyway: it would not be any more readable the next time.
      return CompletableFuture.completedFuture(true);
    }
    String topic = notification.topic();
    return inLane(notification).thenApply(isTaken -> {
      if (isTaken) redrain.onTaken(topic);
      else redrain.onFailed(topic);
      return isTaken;
    });
  }

  private static Notification read(byte[] message) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(message);
      return Notification.parse(StandardCharsets.UTF_8.newDecoder().decode(bytes).toString());
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  private CompletableFuture<Boolean> inLane(Notification notification) {
    Lane lane = lanes.computeIfAbsent(notification.topic(), topic -> new Lane());
    if (lane.waiting.size() >= MOST_WAITING) return CompletableFuture.completedFuture(false);
    Waiting next = new Waiting(notification);
    lane.waiting.add(next);
    work(notification.topic(), lane);
    return next.isTaken;
  }

  private void workAll() {
    for (Map.Entry<String, Lane> entry : new ArrayList<>(lanes.entrySet()))
      work(entry.getKey(), entry.getValue());
  }

  /** Goes on until a handler is at work or there is nothing to do; the one at work stays the first of its lane. */
  private void work(String topic, Lane lane) {
    while (!lane.isAtWork && !lane.waiting.isEmpty()) {
      Waiting first = lane.waiting.peek();
      Boolean verdict = verdict(first.notification);
      if (verdict == null && handler == null && finished == null) return;
      if (verdict == null && handler != null) handle(topic, lane, first);
      else end(lane, verdict != null && verdict);
    }
    if (lane.waiting.isEmpty()) lanes.remove(topic, lane);
    lookFinished();
  }

  private void end(Lane lane, boolean isTaken) {
    lane.isAtWork = false;
    lane.waiting.remove().isTaken.complete(isTaken);
  }

  private void lookFinished() {
    if (finished != null && lanes.isEmpty()) finished.complete(null);
  }

  /** True: drop and acknowledge; null: to be handled. */
  private Boolean verdict(Notification notification) {
    if (parts.hasLeft(notification.topic())) return drop(notification, "its topic is unregistered");
    switch (taken.verdict(Taken.of(notification))) {
      case REPEAT:
        return drop(notification, "it was taken before");
      case OUTDATED:
        return drop(notification, "a newer one was taken before");
      default:
        return null;
    }
  }

  private Boolean drop(Notification notification, String why) {
    parts.log(notification + " dropped: " + why);
    return Boolean.TRUE;
  }

  private void handle(String topic, Lane lane, Waiting first) {
    lane.isAtWork = true;
    Handler program = handler;
    CompletableFuture<Object> result = new CompletableFuture<>();
    parts.runElsewhere(() -> call(program, first.notification, result));
    result.whenComplete((done, failure) -> loop.run(() -> {
      end(lane, failure == null ? remember(first.notification) : failed(first.notification, failure));
      work(topic, lane);
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
    parts.report(Fault.HandlerFailed.with(text, one.topic(), thrown));
    return false;
  }

  /** What is not remembered is not acknowledged either: rather a repeat than a surprise later. */
  private boolean remember(Notification one) {
    try {
      taken.record(Taken.of(one));
      return true;
    } catch (HeliographDeviceException e) {
      parts.report(e);
      return false;
    }
  }
}
