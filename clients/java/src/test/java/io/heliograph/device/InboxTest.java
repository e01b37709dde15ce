package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InboxTest {
  @TempDir Path directory;
  private final TestDevice device = new TestDevice();
  private final List<String> begun = new ArrayList<>();
  private final List<CompletableFuture<Void>> working = new ArrayList<>();
  private final List<String> rejoined = new ArrayList<>();
  private int presented;
  private Inbox inbox;

  @BeforeEach
  void open() throws Exception {
    Redrain redrain = new Redrain(device.loop, () -> 0.5, topics -> presented++);
    Redrain rejoin = new Redrain(device.loop, () -> 0.5, rejoined::addAll);
    inbox = new Inbox(TakenStore.open(directory), redrain, rejoin, device.loop, device);
  }

  private void handle() {
    inbox.handleWith(
        notification -> {
          begun.add(notification.topic() + notification.id());
          CompletableFuture<Void> work = new CompletableFuture<>();
          working.add(work);
          return work;
        });
  }

  private CompletableFuture<Boolean> receive(String topic, String id) {
    String text = "{\"id\":\"" + id + "\",\"topic\":\"" + topic + "\",\"acceptedAt\":" + id + ",\"payload\":{}}";
    return inbox.receive(text.getBytes(StandardCharsets.UTF_8));
  }

  private void finish(int number) {
    working.get(number).complete(null);
    device.loop.settle();
  }

  private void fail(int number) {
    working.get(number).completeExceptionally(new IllegalStateException("as told"));
    device.loop.settle();
  }

  private CompletableFuture<Boolean> receive(String channel, String named, String id, boolean retained) {
    String head = "{\"id\":\"" + id + "\",\"channel\":\"" + named + "\",\"topic\":\"a\",\"acceptedAt\":" + id;
    String text = head + ",\"stored\":true,\"payload\":{}}";
    return inbox.receiveBroadcast(channel, text.getBytes(StandardCharsets.UTF_8), retained);
  }

  @Test
  void keepsChannelsApartFromTopicsAndDropsWhatIsNotJoined() {
    device.joined = "one";
    device.left = "a"; // which is no matter of channels
    List<String> stored = new ArrayList<>();
    inbox.handleWith(
        notification -> {
          stored.add(notification.channel().orElse("none") + notification.id() + notification.isStored());
          return CompletableFuture.completedFuture(null);
        });
    receive("one", "one", "5", false);
    receive("one", "one", "6", true);
    receive("one", "one", "4", true);
    receive("two", "two", "7", false);
    receive("one", "two", "8", false);
    receive("two", "one", "9", false);
    device.loop.settle();
    assertEquals(Arrays.asList("one5false", "one6true"), stored);
    assertEquals(Arrays.asList("dropped 7 LEFT", "error BadMessage", "dropped 4 OVERTAKEN"), device.heard);
  }

  @Test
  void subscribesAgainAfterAFailureOnAChannel() {
    device.joined = "one";
    handle();
    CompletableFuture<Boolean> taken = receive("one", "one", "5", false);
    fail(0);
    assertFalse(taken.join());
    device.loop.advance(Redrain.FIRST_ASK_MS);
    assertEquals(Collections.singletonList("one"), rejoined);
    assertEquals(0, presented);
  }

  @Test
  void handlesOneOfATopicAtATimeAndTopicsSideBySide() {
    handle();
    CompletableFuture<Boolean> first = receive("a", "1");
    receive("a", "2");
    receive("b", "3");
    assertEquals(Arrays.asList("a1", "b3"), begun);
    assertFalse(first.isDone());
    finish(0);
    assertTrue(first.join());
    assertEquals(Arrays.asList("a1", "b3", "a2"), begun);
  }

  @Test
  void dropsARepeatThatCameDuringTheFirst() {
    handle();
    receive("a", "1");
    CompletableFuture<Boolean> repeat = receive("a", "1");
    assertFalse(repeat.isDone());
    finish(0);
    assertTrue(repeat.join());
    assertEquals(1, begun.size());
    assertTrue(device.heard.contains("dropped 1 REPEAT"), () -> "" + device.heard);
  }

  @Test
  void handsOverAgainWhatFailedAndAsksForIt() {
    handle();
    CompletableFuture<Boolean> first = receive("a", "1");
    fail(0);
    assertFalse(first.join());
    assertEquals(Collections.singletonList("error HandlerFailed"), device.heard);
    device.loop.advance(14_999);
    assertEquals(0, presented);
    device.loop.advance(1);
    assertEquals(1, presented);
    receive("a", "1");
    fail(1);
    device.loop.advance(30_000);
    assertEquals(2, presented);
    receive("a", "1");
    finish(2);
    device.loop.advance(3600_000);
    assertEquals(2, presented);
  }

  @Test
  void waitsForAHandler() {
    CompletableFuture<Boolean> first = receive("a", "1");
    assertFalse(first.isDone());
    handle();
    finish(0);
    assertTrue(first.join());
  }

  @Test
  void leavesThoseBeyondAHundredUnacknowledged() {
    handle();
    for (int id = 1; id <= Inbox.MOST_WAITING; id++) receive("a", "" + id);
    assertFalse(receive("a", "101").join());
    receive("b", "1");
    assertEquals(Arrays.asList("a1", "b1"), begun);
    for (int number = 0; number <= Inbox.MOST_WAITING; number++) finish(number);
    assertEquals(Inbox.MOST_WAITING + 1, begun.size());
  }

  @Test
  void acknowledgesWhatCannotBeRead() {
    for (byte[] message : new byte[][] {{}, {'{'}, {'{', '}'}, {(byte) 0xff}}) assertTrue(inbox.receive(message).join());
    assertEquals(Collections.nCopies(4, "error BadMessage"), device.heard);
  }

  @Test
  void dropsStragglers() {
    handle();
    device.left = "a";
    assertTrue(receive("a", "1").join());
    assertTrue(begun.isEmpty());
    assertTrue(device.heard.contains("dropped 1 UNREGISTERED"), () -> "" + device.heard);
  }

  @Test
  void survivesAHandlerThatThrows() {
    inbox.handleWith(
        notification -> {
          throw new AssertionError("an error of the program");
        });
    CompletableFuture<Boolean> first = receive("a", "1");
    device.loop.settle();
    assertFalse(first.join());
    handle();
    receive("a", "2");
    assertEquals(Collections.singletonList("a2"), begun);
  }

  /** Of the program's executor, which may be full, or shut down. */
  @Test
  void survivesARefusalToRunAHandler() {
    handle();
    device.refuses = true;
    CompletableFuture<Boolean> first = receive("a", "1");
    device.loop.settle();
    assertFalse(first.join());
    assertEquals(Collections.singletonList("error HandlerFailed"), device.heard);
    device.loop.advance(Redrain.FIRST_ASK_MS);
    assertEquals(1, presented);
    device.refuses = false;
    receive("a", "1");
    assertEquals(Collections.singletonList("a1"), begun);
  }

  @Test
  void finishesWhatIsAtWork() {
    CompletableFuture<Boolean> unhandled = receive("b", "1");
    CompletableFuture<Void> done = inbox.finish();
    assertFalse(unhandled.join());
    assertTrue(done.isDone());
  }

  @Test
  void finishWaitsForTheHandler() {
    handle();
    receive("a", "1");
    CompletableFuture<Void> done = inbox.finish();
    assertFalse(done.isDone());
    finish(0);
    assertTrue(done.isDone());
  }
}
