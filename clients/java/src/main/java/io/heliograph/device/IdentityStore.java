package io.heliograph.device;

import java.nio.file.Path;
import java.util.function.UnaryOperator;

/** The identity on disk. Every change is durable before it is seen. */
final class IdentityStore {
  private static final String REMEDY =
      "move it away and activate the device again with a new activation code (it becomes a new device)";

  private final Path path;
  private volatile Identity current;

  private IdentityStore(Path path, Identity current) {
    this.path = path;
    this.current = current;
  }

  static IdentityStore open(Path directory, Keys keys) throws HeliographDeviceException {
    Path path = directory.resolve("identity.json");
    Identity kept = StateFiles.readState(path, object -> Identity.parse(object, keys), REMEDY);
    return new IdentityStore(path, kept == null ? Identity.NONE : kept);
  }

  Identity current() {
    return current;
  }

  void change(UnaryOperator<Identity> edit) throws HeliographDeviceException {
    Identity edited = edit.apply(current);
    StateFiles.writeAtomically(path, edited.toJson());
    current = edited;
  }
}
