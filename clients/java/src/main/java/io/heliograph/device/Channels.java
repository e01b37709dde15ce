package io.heliograph.device;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.DoubleSupplier;

/** Keeps the device's subscriptions and the channels that its program has joined the same. */
final class Channels {
  /** What the channels ask of the device around them. */
  interface Parts {
    /**
     * Subscribes to topics; done with whether each was granted, and fails when the connection ends first, or if there is none.
     */
    CompletableFuture<List<Boolean>> subscribe(List<String> topics);

    void unsubscribe(String topic);

    void report(HeliographDeviceException failure);
  }

  private static final String PREFIX = "heliograph/channel/";
  /** In one SUBSCRIBE (AWS IoT Core quotas). */
  private static final int MOST_FILTERS = 8;

  private final ChannelStore store;
  private final Parts parts;
  private final Loop loop;
  private final long timeLimitMs;
  private final Repeats repeats;
  private final Map<String, CompletableFuture<Void>> waiting = new LinkedHashMap<>();
  /** Those that the broker has granted on this connection. */
  private final Set<String> granted = new HashSet<>();
  private boolean connected;

  Channels(ChannelStore store, Parts parts, Loop loop, DoubleSupplier random, long timeLimitMs) {
    this.store = store;
    this.parts = parts;
    this.loop = loop;
    this.timeLimitMs = timeLimitMs;
    repeats = new Repeats(loop, random);
  }

  /** The channel of a topic, or null if it is the topic of none. */
  static String channelOf(String topic) {
    if (!topic.startsWith(PREFIX)) return null;
    String channel = topic.substring(PREFIX.length());
    return ChannelStore.isChannelId(channel) ? channel : null;
  }

  Set<String> joined() {
    return store.channels();
  }

  boolean isJoined(String channel) {
    return store.channels().contains(channel);
  }

  /** Done when the broker has granted it, now or as soon as there is a connection. */
  CompletableFuture<Void> join(String channel) {
    CompletableFuture<Void> asked = waiting.get(channel);
    if (asked != null) return asked;
    CompletableFuture<Void> answer = new CompletableFuture<>();
    try {
      check(channel);
      if (granted.contains(channel)) answer.complete(null);
      else if (!store.add(channel)) throw tooMany(channel);
      else await(channel, answer);
    } catch (HeliographDeviceException e) {
      answer.completeExceptionally(e);
    }
    if (!answer.isDone()) ask(Collections.singletonList(channel));
    return answer;
  }

  /** Done when it is forgotten on disk: the next connection would not subscribe to it any more. */
  CompletableFuture<Void> leave(String channel) {
    CompletableFuture<Void> answer = new CompletableFuture<>();
    try {
      check(channel);
      store.remove(channel);
      // from now on a join is a new wish, which has to be granted again
      granted.remove(channel);
      CompletableFuture<Void> given = waiting.remove(channel);
      if (given != null) given.completeExceptionally(Fault.Closed.with("the channel was left", null, channel, null));
      repeats.stop(channel);
      parts.unsubscribe(PREFIX + channel);
      answer.complete(null);
    } catch (HeliographDeviceException e) {
      answer.completeExceptionally(e);
    }
    return answer;
  }

  /** After every CONNACK, and after the tokens were presented. */
  void onConnected() {
    connected = true;
    granted.clear();
    ask(store.channels());
  }

  void onDisconnected() {
    connected = false;
    granted.clear();
    repeats.stopAll();
  }

  /** Subscribes again, so that the broker sends what it has retained. */
  void askAgain(Collection<String> channels) {
    List<String> joined = new ArrayList<>(channels);
    joined.retainAll(store.channels());
    ask(joined);
  }

  /** Ends every wait. */
  void close() {
    onDisconnected();
    Throwable closed = Fault.Closed.with("the device was closed before the broker answered");
    for (CompletableFuture<?> wait : new ArrayList<>(waiting.values())) wait.completeExceptionally(closed);
  }

  /** Without a connection nothing: the next CONNACK asks for all that are to be joined. */
  private void ask(Collection<String> channels) {
    if (!connected) return;
    List<String> all = new ArrayList<>(channels);
    for (int at = 0; at < all.size(); at += MOST_FILTERS) {
      List<String> some = new ArrayList<>(all.subList(at, Math.min(all.size(), at + MOST_FILTERS)));
      for (String channel : some) repeats.start(channel, () -> repeat(channel));
      send(some);
    }
  }

  private void repeat(String channel) {
    if (isJoined(channel)) send(Collections.singletonList(channel));
    else repeats.stop(channel);
  }

  /** Where this fails it is sent again after the next CONNACK. */
  private void send(List<String> channels) {
    List<String> topics = new ArrayList<>();
    for (String channel : channels) topics.add(PREFIX + channel);
    parts.subscribe(topics).thenAccept(answers -> {
      for (int index = 0; index < Math.min(channels.size(), answers.size()); index++)
        onAnswer(channels.get(index), answers.get(index));
    });
  }

  private void onAnswer(String channel, boolean isGranted) {
    if (!isJoined(channel)) return;
    if (!isGranted) {
      onRefused(channel);
      return;
    }
    repeats.stop(channel);
    granted.add(channel);
    CompletableFuture<Void> waits = waiting.get(channel);
    if (waits != null) waits.complete(null);
  }

  /**
   * A wish that somebody waits for is over. A channel that had been joined is kept and asked for again: a broker that is busy
   * refuses in the same words.
   */
  private void onRefused(String channel) {
    HeliographDeviceException failure = Fault.ChannelRefused.with("the broker refused a channel", null, channel, null);
    CompletableFuture<Void> waits = waiting.remove(channel);
    if (waits == null) {
      parts.report(failure);
      return;
    }
    repeats.stop(channel);
    try {
      store.remove(channel);
    } catch (HeliographDeviceException e) {
      parts.report(e); // asked for again at the next CONNACK
    }
    waits.completeExceptionally(failure);
  }

  /** A wait that ends by an answer, by the time limit or by close(). */
  private void await(String channel, CompletableFuture<Void> wait) {
    String limit = timeLimitMs / 1000.0 + " s";
    String text = "a channel was not joined within " + limit + ": it is asked for again when the device connects";
    Runnable stop =
        loop.after(timeLimitMs, () -> wait.completeExceptionally(Fault.Timeout.with(text, null, channel, null)));
    waiting.put(channel, wait);
    wait.whenComplete((answer, failure) -> {
      stop.run();
      waiting.remove(channel, wait);
    });
  }

  private static void check(String channel) throws HeliographDeviceException {
    if (ChannelStore.isChannelId(channel)) return;
    throw Fault.BadChannelId.with("this cannot be the id of a channel: 24 letters and digits");
  }

  private static HeliographDeviceException tooMany(String channel) {
    String text = "a device can join " + ChannelStore.MOST_CHANNELS + " channels: leave another one first";
    return Fault.TooManyChannels.with(text, null, channel, null);
  }
}
