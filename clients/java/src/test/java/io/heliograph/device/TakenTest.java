package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.heliograph.device.TakenIndex.Verdict;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TakenTest {
  @TempDir Path directory;

  private static Taken one(String id, String topic, long acceptedAt, boolean isStored) {
    return new Taken(id, topic, null, acceptedAt, null, isStored);
  }

  private static Taken one(String id) {
    return one(id, "app", 1_000, false);
  }

  @Test
  void isToldApartByIdWithinItsTopic() throws Exception {
    TakenStore store = TakenStore.open(directory);
    store.record(one("a"));
    assertEquals(Verdict.REPEAT, store.verdict(one("a")));
    assertEquals(Verdict.NEW, store.verdict(one("b")));
    assertEquals(Verdict.NEW, store.verdict(one("a", "other", 1_000, false)));
  }

  @Test
  void isRememberedForADayAndAThousandIdsOverARestart() throws Exception {
    TakenStore store = TakenStore.open(directory);
    store.record(one("old"));
    long day = TakenIndex.REMEMBERED_MS;
    assertEquals(Verdict.REPEAT, store.verdict(one("old", "app", 999 + day, false)));
    assertEquals(Verdict.NEW, store.verdict(one("old", "app", 1_000 + day, false)));
    for (int n = 0; n <= TakenIndex.REMEMBERED_IDS; n++) store.record(one("n" + n));
    TakenStore again = TakenStore.open(directory); // as after kill -9: nothing was closed
    assertEquals(Verdict.NEW, again.verdict(one("n0")));
    assertEquals(Verdict.REPEAT, again.verdict(one("n1")));
    assertEquals(Verdict.REPEAT, again.verdict(one("n1000")));
  }

  @Test
  void outdatesWhatIsOlder() throws Exception {
    TakenStore store = TakenStore.open(directory);
    store.record(one("stored", "app", 2_000, true));
    store.record(one("direct", "app", 4_000, false));
    for (TakenStore seen : new TakenStore[] {store, TakenStore.open(directory)}) {
      assertEquals(Verdict.OUTDATED, seen.verdict(one("x", "app", 1_000, false)));
      assertEquals(Verdict.NEW, seen.verdict(one("x", "app", 3_000, false)));
      assertEquals(Verdict.OUTDATED, seen.verdict(one("x", "app", 3_000, true)));
      assertEquals(Verdict.NEW, seen.verdict(one("x", "app", 5_000, true)));
    }
  }

  @Test
  void comparesTheServicesOrderRatherThanItsTime() {
    Taken early = new Taken("a", "app", null, 9, "01A", false);
    assertTrue(early.isOlderThan(new Taken("b", "app", null, 1, "01B", false)));
  }

  @Test
  void takesBoundedRoomOnDisk() throws Exception {
    TakenStore store = TakenStore.open(directory);
    for (int n = 0; n < 5_000; n++) store.record(one("n" + n));
    assertTrue(Files.readAllLines(directory.resolve("taken.jsonl")).size() <= 2 * TakenIndex.REMEMBERED_IDS);
  }

  @Test
  void losesNothingToALineWithoutItsEnd() throws Exception {
    TakenStore.open(directory).record(one("a"));
    Path file = directory.resolve("taken.jsonl");
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 1));
    TakenStore.open(directory).record(one("b"));
    TakenStore third = TakenStore.open(directory);
    assertEquals(Verdict.REPEAT, third.verdict(one("a")));
    assertEquals(Verdict.REPEAT, third.verdict(one("b")));
  }

  @Test
  void skipsDamagedLines() throws Exception {
    Path file = directory.resolve("taken.jsonl");
    String text = "{\"id\":\"a\",\"topic\":\"app\",\"acceptedAt\":1000}\n{\"id\":\"b\",\"to\n\u0000\n";
    Files.write(file, text.getBytes(StandardCharsets.UTF_8));
    TakenStore store = TakenStore.open(directory);
    assertEquals(Verdict.REPEAT, store.verdict(one("a")));
    assertEquals(Verdict.NEW, store.verdict(one("b")));
  }

  @Test
  void isForItsOwnerAlone() throws Exception {
    TakenStore store = TakenStore.open(directory);
    store.record(one("a"));
    if (!directory.getFileSystem().supportedFileAttributeViews().contains("posix")) return;
    Path file = directory.resolve("taken.jsonl");
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @Test
  void knowsTheLatestOfAChannelByItsSeq() throws Exception {
    TakenStore store = TakenStore.open(directory);
    store.record(new Taken("a", "app", "one", 5, "01E", true));
    for (int n = 0; n < TakenIndex.REMEMBERED_IDS; n++) store.record(one("n" + n));
    TakenStore again = TakenStore.open(directory);
    assertEquals(Verdict.OUTDATED, again.verdict(new Taken("a", "app", "one", 5, "01E", true)));
    assertEquals(Verdict.OUTDATED, again.verdict(new Taken("b", "app", "one", 5, "01D", false)));
    assertEquals(Verdict.NEW, again.verdict(new Taken("c", "app", "one", 5, "01F", true)));
    assertEquals(Verdict.NEW, again.verdict(new Taken("a", "app", "two", 5, "01D", true)));
    assertEquals(Verdict.NEW, again.verdict(new Taken("a", "one", null, 5, "01D", true)));
  }

  @Test
  void remembersABoundedNumberOfChannels() throws Exception {
    TakenStore store = TakenStore.open(directory);
    for (int n = 0; n < 1_300; n++) store.record(new Taken("c" + n, "app", "channel " + n, 1_000, null, true));
    assertEquals(Verdict.OUTDATED, store.verdict(new Taken("x", "app", "channel 1299", 999, null, true)));
    assertEquals(Verdict.NEW, store.verdict(new Taken("x", "app", "channel 0", 999, null, true)));
  }
}
