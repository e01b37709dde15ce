package io.heliograph.device;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/** The topics on disk. Every change is durable before it is seen. */
final class RegistrationStore {
  private static final int VERSION = 1;
  private static final String REMEDY = "delete it and register every topic again (the tokens stay the same)";

  private final Path path;
  private volatile Map<String, Registration> topics;

  private RegistrationStore(Path path, Map<String, Registration> topics) {
    this.path = path;
    this.topics = topics;
  }

  static RegistrationStore open(Path directory) throws HeliographDeviceException {
    Path path = directory.resolve("registrations.json");
    Map<String, Registration> kept = StateFiles.readState(path, RegistrationStore::parse, REMEDY);
    return new RegistrationStore(path, kept == null ? Collections.emptyMap() : kept);
  }

  /** As they are now; what is returned never changes. */
  Map<String, Registration> topics() {
    return topics;
  }

  Registration get(String topic) {
    return topics.get(topic);
  }

  /** What is to hold for a topic: null removes it, the same object changes nothing. */
  void change(String topic, UnaryOperator<Registration> edit) throws HeliographDeviceException {
    Registration before = topics.get(topic);
    Registration after = edit.apply(before);
    if (after == before) return;
    Map<String, Registration> edited = new LinkedHashMap<>(topics);
    if (after == null) edited.remove(topic);
    else edited.put(topic, after);
    StateFiles.writeAtomically(path, toJson(edited));
    topics = Collections.unmodifiableMap(edited);
  }

  private static String toJson(Map<String, Registration> topics) {
    Map<String, Object> entries = Json.object();
    topics.forEach((topic, registration) -> entries.put(topic, registration.toJson()));
    Map<String, Object> object = Json.object();
    object.put("version", VERSION);
    object.put("topics", entries);
    return Json.write(object) + "\n";
  }

  private static Map<String, Registration> parse(Map<String, Object> object) {
    Number version = Json.numberAt(object, "version");
    Map<String, Object> entries = Json.asObject(object.get("topics"));
    if (version == null || version.intValue() != VERSION || entries == null) return null;
    Map<String, Registration> topics = new LinkedHashMap<>();
    for (Map.Entry<String, Object> entry : entries.entrySet()) {
      Registration registration = Registration.parse(Json.objectAt(entries, entry.getKey()));
      if (registration == null) return null;
      topics.put(entry.getKey(), registration);
    }
    return Collections.unmodifiableMap(topics);
  }
}
