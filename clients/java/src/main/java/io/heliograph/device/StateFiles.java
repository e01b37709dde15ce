package io.heliograph.device;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Files that hold the private key and the device tokens: only their owner may read them. */
final class StateFiles {
  /** Reads the object in a file; null: it is damaged. */
  interface Parser<State> {
    State parse(Map<String, Object> object) throws HeliographDeviceException;
  }

  private static final FileAttribute<?>[] NONE = {};

  private StateFiles() {}

  /** Makes the state directory if it is missing; an existing one keeps its mode. */
  static void makeDirectory(Path directory) throws HeliographDeviceException {
    try {
      if (!Files.isDirectory(directory)) Files.createDirectories(directory, mode(directory, "rwx------"));
    } catch (IOException | RuntimeException e) {
      throw unusable(directory, "made", e);
    }
  }

  /** The text of a state file, or null if it is missing. */
  static String readText(Path path) throws HeliographDeviceException {
    try {
      return new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      return null;
    } catch (IOException e) {
      throw unusable(path, "read", e);
    }
  }

  /**
   * A JSON state file as {@code parser} understands it, or null if it is missing. {@code remedy} ends the sentence of the
   * failure for a damaged one.
   */
  static <State> State readState(Path path, Parser<State> parser, String remedy)
      throws HeliographDeviceException {
    String text = readText(path);
    if (text == null) return null;
    Map<String, Object> object = Json.parseObject(text);
    State state = object == null ? null : parser.parse(object);
    if (state != null) return state;
    throw Fault.StateDamaged.with(path.toAbsolutePath() + " is damaged: " + remedy);
  }

  /** Replaces a file so that after a crash or a power cut it holds either the old or the new text, whole. */
  static void writeAtomically(Path path, String text) throws HeliographDeviceException {
    Path temporary = path.resolveSibling(path.getFileName() + ".tmp");
    try {
      Files.deleteIfExists(temporary);
      // CREATE_NEW: a file or link that someone put there meanwhile is not followed.
      OpenOption[] options = {StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE};
      try (FileChannel file = open(temporary, options)) {
        write(file, text);
        file.force(true);
      }
      Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      syncDirectory(path.toAbsolutePath().getParent());
    } catch (IOException e) {
      throw unusable(path, "written", e);
    }
  }

  /** Opens a file to append to, for its owner alone. */
  static FileChannel openForAppend(Path path) throws IOException {
    return open(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND, LinkOption.NOFOLLOW_LINKS);
  }

  static void write(FileChannel file, String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) file.write(bytes);
  }

  static HeliographDeviceException unusable(Path path, String what, Throwable cause) {
    String text = " (" + Fault.messageOf(cause) + "): give the device a directory that this user may write to";
    return Fault.StateUnusable.with(path.toAbsolutePath() + " cannot be " + what + text, cause);
  }

  private static FileChannel open(Path path, OpenOption... options) throws IOException {
    Set<OpenOption> set = new HashSet<>(Arrays.asList(options));
    return FileChannel.open(path, set, mode(path, "rw-------"));
  }

  /** The rename itself lasts only once the directory is on disk; Windows cannot open a directory. */
  private static void syncDirectory(Path directory) throws IOException {
    if (!isPosix(directory)) return;
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static FileAttribute<?>[] mode(Path path, String mode) {
    if (!isPosix(path)) return NONE;
    return new FileAttribute<?>[] {
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode))
    };
  }

  private static boolean isPosix(Path path) {
    return path.getFileSystem().supportedFileAttributeViews().contains("posix");
  }
}
