package io.heliograph.device;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** The channels to be joined, on disk. Every change is durable before it is seen. */
final class ChannelStore {
  /** Subscriptions of one connection (AWS IoT Core quotas). */
  static final int MOST_CHANNELS = 50;

  private static final int VERSION = 1;
  private static final String REMEDY = "delete it and join every channel again";
  private static final Pattern CHANNEL_ID = Pattern.compile("[A-Za-z0-9]{24}");

  private final Path path;
  private volatile Set<String> channels;

  private ChannelStore(Path path, Set<String> channels) {
    this.path = path;
    this.channels = channels;
  }

  static ChannelStore open(Path directory) throws HeliographDeviceException {
    Path path = directory.resolve("channels.json");
    Set<String> kept = StateFiles.readState(path, ChannelStore::parse, REMEDY);
    return new ChannelStore(path, kept == null ? Collections.emptySet() : kept);
  }

  static boolean isChannelId(Object value) {
    return value instanceof String && CHANNEL_ID.matcher((String) value).matches();
  }

  /** As they are now; what is returned never changes. */
  Set<String> channels() {
    return channels;
  }

  /** False where there is no room for another one. */
  boolean add(String channel) throws HeliographDeviceException {
    if (channels.contains(channel)) return true;
    if (channels.size() >= MOST_CHANNELS) return false;
    Set<String> edited = new LinkedHashSet<>(channels);
    edited.add(channel);
    write(edited);
    return true;
  }

  void remove(String channel) throws HeliographDeviceException {
    if (!channels.contains(channel)) return;
    Set<String> edited = new LinkedHashSet<>(channels);
    edited.remove(channel);
    write(edited);
  }

  private void write(Set<String> edited) throws HeliographDeviceException {
    Map<String, Object> object = Json.object();
    object.put("version", VERSION);
    object.put("channels", new ArrayList<>(edited));
    StateFiles.writeAtomically(path, Json.write(object) + "\n");
    channels = Collections.unmodifiableSet(edited);
  }

  private static Set<String> parse(Map<String, Object> object) {
    Number version = Json.numberAt(object, "version");
    Object entries = object.get("channels");
    if (version == null || version.intValue() != VERSION || !(entries instanceof Collection)) return null;
    Set<String> channels = new LinkedHashSet<>();
    for (Object entry : (Collection<?>) entries) {
      if (!isChannelId(entry)) return null;
      channels.add((String) entry);
    }
    return Collections.unmodifiableSet(channels);
  }
}
