package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateTest {
  @TempDir Path directory;
  private final TestDevice device = new TestDevice();

  @Test
  void isForItsOwnerAloneAndLeavesNoTemporaryFile() throws Exception {
    Path own = directory.resolve("a/b");
    StateFiles.makeDirectory(own);
    Files.write(own.resolve("identity.json.tmp"), new byte[] {1});
    device.activated(own, 1, 89);
    assertFalse(Files.exists(own.resolve("identity.json.tmp")));
    if (!own.getFileSystem().supportedFileAttributeViews().contains("posix")) return;
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(own)));
    Path file = own.resolve("identity.json");
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @Test
  void refusesDamagedFilesAndLeavesThemAlone() throws Exception {
    IdentityStore identity = device.activated(directory, 1, 89);
    String other = new PemKeys().create();
    Path file = directory.resolve("identity.json");
    String whole = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    String key = Json.write(Collections.singletonMap("k", identity.current().activated.credentials.key));
    String otherKey = Json.write(Collections.singletonMap("k", other));
    String swapped = whole.replace(key.substring(5, key.length() - 1), otherKey.substring(5, otherKey.length() - 1));
    for (String text : new String[] {"", "{}", whole.substring(0, whole.length() / 2), swapped, whole.replace("\"version\":1", "\"version\":2")}) {
      Files.write(file, text.getBytes(StandardCharsets.UTF_8));
      HeliographDeviceException failure =
          assertThrows(HeliographDeviceException.class, () -> Device.builder(directory).open());
      assertEquals("StateDamaged", failure.reason());
      assertEquals(text, new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
    }
    Files.write(file, whole.getBytes(StandardCharsets.UTF_8));
    try (Device opened = Device.builder(directory).open()) {
      assertEquals(TestDevice.ID, opened.deviceId().get());
    }
  }

  @Test
  void namesTheFileThatCannotBeWritten() throws Exception {
    Path file = directory.resolve("file");
    Files.write(file, new byte[] {1});
    HeliographDeviceException failure =
        assertThrows(HeliographDeviceException.class, () -> Device.builder(file.resolve("x")).open());
    assertEquals("StateUnusable", failure.reason());
  }
}
