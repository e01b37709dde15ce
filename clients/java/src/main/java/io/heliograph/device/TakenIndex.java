package io.heliograph.device;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The memory behind the verdicts: the ids of the last notifications, and the newest of each topic, of the last channels, and
 * of each collapse id among the last notifications where the topic keeps more than its newest. A stored one is outdated by
 * anything newer, which overtook it. A direct one is outdated only by a newer stored one, which has replaced all before
 * it: it may be the retry of one that was coalesced.
 */
final class TakenIndex {
  /** {@code NEW}: give it to the handler. The others are acknowledged and dropped. */
  enum Verdict {
    NEW,
    REPEAT,
    OUTDATED
  }

  /**
   * A repeat comes within the service's own retries, so the last few and the last day are enough. The day is told by
   * {@code acceptedAt}: the device's clock may jump by years between a notification and its repeat.
   */
  static final int REMEMBERED_IDS = 1_000;

  static final long REMEMBERED_MS = 24 * 3600 * 1000L;

  /** More than a device can have joined at a time, as programs join one for each game. */
  private static final int REMEMBERED_CHANNELS = 100;

  private final Map<String, Taken> ids = new LinkedHashMap<>();
  private final Map<String, Taken> newest = new LinkedHashMap<>();
  private final Map<String, Taken> newestStored = new LinkedHashMap<>();

  Verdict verdict(Taken one) {
    Taken before = ids.get(one.key());
    if (before != null && one.acceptedAt - before.acceptedAt < REMEMBERED_MS) return Verdict.REPEAT;
    String lane = one.lane();
    if (lane == null) return Verdict.NEW;
    Taken newer = (one.isStored ? newest : newestStored).get(lane);
    return newer != null && one.isOvertakenBy(newer) ? Verdict.OUTDATED : Verdict.NEW;
  }

  void add(Taken taken) {
    forget(taken.key());
    ids.put(taken.key(), taken);
    if (ids.size() > REMEMBERED_IDS) forget(ids.keySet().iterator().next());
    keepNewest(newest, taken);
    if (taken.isStored) keepNewest(newestStored, taken);
  }

  /** Topics are few and stay; collapse ids may be any number, so none outlives its notification. */
  private void forget(String key) {
    Taken taken = ids.remove(key);
    if (taken == null || !taken.isPerCollapseId) return;
    newest.remove(taken.lane(), taken);
    newestStored.remove(taken.lane(), taken);
  }

  /** All that a restart must know, in an order that {@code add} can repeat: it forgets the first ids first. */
  List<Taken> entries() {
    Set<Taken> others = new LinkedHashSet<>(newest.values());
    others.addAll(newestStored.values());
    others.removeAll(new LinkedHashSet<>(ids.values()));
    List<Taken> entries = new ArrayList<>(others);
    entries.addAll(ids.values());
    return entries;
  }

  private static void keepNewest(Map<String, Taken> newest, Taken taken) {
    String lane = taken.lane();
    if (lane == null) return;
    Taken known = newest.remove(lane);
    newest.put(lane, known == null || known.isOlderThan(taken) ? taken : known);
    List<String> channels = new ArrayList<>();
    for (Taken one : newest.values()) if (one.channel != null) channels.add(one.origin());
    if (channels.size() > REMEMBERED_CHANNELS) newest.remove(channels.get(0));
  }
}
