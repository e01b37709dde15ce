package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChannelsTest implements Channels.Parts {
  private static final String ONE = channel(1);
  private static final String TWO = channel(2);

  @TempDir Path directory;
  private final TestDevice device = new TestDevice();
  private final List<List<String>> asked = new ArrayList<>();
  private final List<CompletableFuture<List<Boolean>>> subacks = new ArrayList<>();
  private final List<String> unsubscribed = new ArrayList<>();
  private final List<HeliographDeviceException> reported = new ArrayList<>();
  private Channels channels;

  private static String channel(int number) {
    return String.format("Channel%017d", number);
  }

  @BeforeEach
  void open() throws Exception {
    channels = new Channels(ChannelStore.open(directory), this, device.loop, () -> 0.5, 60_000);
    channels.onConnected();
  }

  @Override
  public CompletableFuture<List<Boolean>> subscribe(List<String> topics) {
    asked.add(topics);
    subacks.add(new CompletableFuture<>());
    return subacks.get(subacks.size() - 1);
  }

  @Override
  public void unsubscribe(String topic) {
    unsubscribed.add(topic);
  }

  @Override
  public void report(HeliographDeviceException failure) {
    reported.add(failure);
  }

  private void answer(int number, Boolean... granted) {
    subacks.get(number).complete(Arrays.asList(granted));
  }

  private void join(String... some) {
    for (String one : some) {
      CompletableFuture<Void> joining = channels.join(one);
      answer(subacks.size() - 1, true);
      joining.join();
    }
  }

  private static String reasonOf(CompletableFuture<?> future) {
    CompletionException failure = assertThrows(CompletionException.class, future::join);
    return ((HeliographDeviceException) failure.getCause()).reason();
  }

  /** The disk is full. */
  @Test
  void goesOnJoiningWhereTheWishToLeaveCannotBeKept() throws Exception {
    String one = channel(1);
    CompletableFuture<Void> joining = channels.join(one);
    Files.createDirectories(directory.resolve("channels.json.tmp").resolve("full"));
    assertEquals("StateUnusable", reasonOf(channels.leave(one)));
    answer(0, true);
    joining.join();
    assertTrue(channels.isJoined(one));
    assertEquals(Collections.emptyList(), unsubscribed);
  }

  @Test
  void asksForEightAtATimeAndAgainForThoseWithoutAnAnswer() throws Exception {
    for (int n = 0; n < 10; n++) join(channel(n));
    asked.clear();
    subacks.clear();
    channels.onConnected();
    assertEquals(Arrays.asList(8, 2), Arrays.asList(asked.get(0).size(), asked.get(1).size()));
    assertEquals("heliograph/channel/" + channel(0), asked.get(0).get(0));
    answer(0, Collections.nCopies(8, true).toArray(new Boolean[0]));
    device.loop.advance(Repeats.FIRST_REPEAT_MS);
    assertEquals(4, asked.size());
    channels.onDisconnected();
    device.loop.advance(3600_000);
    assertEquals(4, asked.size());
  }

  @Test
  void givesUpAWishThatIsRefusedAndKeepsWhatHadBeenJoined() {
    CompletableFuture<Void> joining = channels.join(ONE);
    answer(0, false);
    assertEquals("ChannelRefused", reasonOf(joining));
    assertTrue(channels.joined().isEmpty());
    join(TWO);
    channels.onConnected();
    answer(subacks.size() - 1, false);
    assertEquals(1, reported.size());
    assertEquals(TWO, reported.get(0).channel().orElse(""));
    assertFalse(reported.get(0).getMessage().contains(TWO));
    assertTrue(channels.isJoined(TWO));
    int before = asked.size();
    device.loop.advance(Repeats.FIRST_REPEAT_MS);
    assertEquals(before + 1, asked.size());
  }

  @Test
  void countsTheLastOfJoinAndLeave() {
    CompletableFuture<Void> joining = channels.join(ONE);
    channels.leave(ONE).join();
    assertEquals("Closed", reasonOf(joining));
    answer(0, true);
    assertFalse(channels.isJoined(ONE));
    assertEquals(Collections.singletonList("heliograph/channel/" + ONE), unsubscribed);
    join(ONE);
    assertTrue(channels.isJoined(ONE));
    channels.join(ONE).join();
    assertEquals(2, asked.size(), "granted already");
  }

  @Test
  void keepsAWishThatTookTooLongAndEndsAllWhenItIsClosed() {
    CompletableFuture<Void> joining = channels.join(ONE);
    device.loop.advance(60_000);
    assertEquals("Timeout", reasonOf(joining));
    assertTrue(channels.isJoined(ONE));
    CompletableFuture<Void> other = channels.join(TWO);
    channels.close();
    assertEquals("Closed", reasonOf(other));
  }

  @Test
  void asksNobodyWhileThereIsNoConnection() {
    channels.onDisconnected();
    CompletableFuture<Void> joining = channels.join(ONE);
    channels.askAgain(Collections.singletonList(ONE));
    device.loop.advance(Repeats.FIRST_REPEAT_MS * 2);
    assertTrue(asked.isEmpty());
    channels.onConnected();
    assertEquals(1, asked.size());
    answer(0, true);
    joining.join();
  }

  @Test
  void refusesWhatIsNoIdAndOneTooMany() {
    for (String odd : new String[] {null, "", "#", ONE + "0", ONE.substring(1) + "+"}) {
      assertEquals("BadChannelId", reasonOf(channels.join(odd)));
      assertEquals("BadChannelId", reasonOf(channels.leave(odd)));
    }
    for (int n = 0; n < ChannelStore.MOST_CHANNELS; n++) join(channel(n));
    assertEquals("TooManyChannels", reasonOf(channels.join(channel(50))));
    channels.leave(ONE).join();
    join(channel(50));
  }

  @Test
  void keepsThemOnDiskAndTellsOfDamage() throws Exception {
    join(ONE, TWO);
    assertEquals(new LinkedHashSet<>(Arrays.asList(ONE, TWO)), ChannelStore.open(directory).channels());
    for (String text : new String[] {"{", "{\"version\":2,\"channels\":[]}", "{\"version\":1,\"channels\":[\"#\"]}"}) {
      Files.write(directory.resolve("channels.json"), text.getBytes(StandardCharsets.UTF_8));
      HeliographDeviceException failure =
          assertThrows(HeliographDeviceException.class, () -> ChannelStore.open(directory));
      assertEquals("StateDamaged", failure.reason());
    }
  }

  @Test
  void knowsTheTopicsOfChannels() {
    assertEquals(ONE, Channels.channelOf("heliograph/channel/" + ONE));
    for (String other : new String[] {"heliograph/token", "heliograph/channel/", "heliograph/channel/#", ONE})
      assertEquals(null, Channels.channelOf(other));
  }
}
