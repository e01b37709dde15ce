package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A connection whose attempts fail before there is a link. */
class ConnectionTest {
  private final ManualLoop loop = new ManualLoop();
  private final List<String> heard = new ArrayList<>();
  private RuntimeException thrown;
  private final Connection connection = new Connection(loop, () -> 0.5, new Failing());

  @Test
  void countsAnAttemptThatFailsAtOnce() {
    CompletableFuture<Void> first = connection.start();
    assertEquals(Arrays.asList("failed", "closed as told 500"), heard);
    loop.advance(500);
    assertEquals(4, heard.size());
    assertFalse(first.isDone());
    connection.stop();
    assertTrue(first.isCompletedExceptionally());
  }

  @Test
  void goesOnTryingWhateverIsThrown() {
    thrown = new IllegalStateException("thrown");
    assertThrows(IllegalStateException.class, connection::start);
    assertEquals(Arrays.asList("closed thrown 500"), heard);
    thrown = null;
    loop.advance(500);
    assertEquals(Arrays.asList("closed thrown 500", "failed", "closed as told 1000"), heard);
  }

  private final class Failing implements Connection.Parts {
    @Override
    public Link.Options options() {
      return new Link.Options();
    }

    @Override
    public Link dial(Link.Options options, Link.Listener listener) throws HeliographDeviceException {
      if (thrown != null) throw thrown;
      throw Fault.NotConnected.with("as told");
    }

    @Override
    public void onOpened(Link.Options used) {}

    @Override
    public void onFailed(Link.Options used) {
      if (thrown != null) throw thrown;
      heard.add("failed");
    }

    @Override
    public void onClosed(String cause, Long retryInMs) {
      heard.add("closed " + cause + " " + retryInMs);
    }

    @Override
    public CompletableFuture<Boolean> onMessage(String topic, byte[] message, boolean retained) {
      return CompletableFuture.completedFuture(true);
    }
  }
}
