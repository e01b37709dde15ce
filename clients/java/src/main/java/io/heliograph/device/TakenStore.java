package io.heliograph.device;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;

/**
 * The index with its journal on disk: a line per notification, written before the acknowledgement. A killed process repeats
 * nothing. The line is not forced to the disk, so after a power cut the last few may come again; that costs a repeat,
 * where forcing would cost a write cycle of flash each.
 */
final class TakenStore {
  private final Path path;
  private final TakenIndex index = new TakenIndex();
  private int lines;
  private boolean isClosed;
  /** A write failed halfway: the next line must not become the end of a damaged one. */
  private boolean isTorn;

  private FileChannel file;

  private TakenStore(Path path) {
    this.path = path;
  }

  /** Lines that a power cut left damaged are skipped: all they can cost is a repeat. */
  static TakenStore open(Path directory) throws HeliographDeviceException {
    TakenStore store = new TakenStore(directory.resolve("taken.jsonl"));
    String text = StateFiles.readText(store.path);
    if (text == null) return store;
    for (String line : text.split("\n")) {
      Taken taken = Taken.parse(line);
      if (taken != null) store.index.add(taken);
    }
    // Always: a last line without its end would swallow the next one that is appended.
    store.compact();
    return store;
  }

  TakenIndex.Verdict verdict(Taken one) {
    return index.verdict(one);
  }

  /** The notification is remembered when this returns; after that it may be acknowledged. */
  void record(Taken taken) throws HeliographDeviceException {
    append(taken.toLine());
    index.add(taken);
    if (lines >= 2 * TakenIndex.REMEMBERED_IDS) compact();
    if (isClosed) closeFile();
  }

  /** A handler that outlasts this is still remembered. */
  void close() {
    isClosed = true;
    closeFile();
  }

  private void append(String line) throws HeliographDeviceException {
    try {
      if (file == null) file = StateFiles.openForAppend(path);
      boolean afterTear = isTorn;
      isTorn = true;
      StateFiles.write(file, afterTear ? "\n" + line : line);
      isTorn = false;
      lines++;
    } catch (IOException e) {
      throw StateFiles.unusable(path, "written", e);
    }
  }

  /** Writes the journal anew with what still counts. */
  private void compact() throws HeliographDeviceException {
    List<Taken> entries = index.entries();
    StringBuilder text = new StringBuilder();
    for (Taken taken : entries) text.append(taken.toLine());
    closeFile();
    StateFiles.writeAtomically(path, text.toString());
    isTorn = false;
    lines = entries.size();
  }

  private void closeFile() {
    try {
      if (file != null) file.close();
    } catch (IOException e) {
      isTorn = true; // what was written is with the operating system all the same
    }
    file = null;
  }
}
