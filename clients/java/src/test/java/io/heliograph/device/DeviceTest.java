package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.security.KeyPair;
import java.security.ProviderException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a program gives to a device may throw; no future is waited for in vain. */
class DeviceTest {
  @TempDir Path directory;
  private TestBroker broker;

  @BeforeEach
  void start() throws Exception {
    broker = new TestBroker(false);
    long now = System.currentTimeMillis();
    Credentials pair = TestPair.make("device", now - TestPair.DAY_MS, now + TestPair.DAY_MS);
    Map<String, Object> publish = Json.object();
    for (Request request : Request.values()) publish.put(request.name(), "rules/" + request);
    IdentityStore store = IdentityStore.open(directory, new Keys(new PemKeys(), line -> {}));
    store.change(kept -> Identity.of(new Activated("device", pair, broker.place, publish)));
  }

  @AfterEach
  void stop() throws Exception {
    broker.close();
  }

  private static void await(CompletableFuture<?> future) throws Exception {
    future.get(10, TimeUnit.SECONDS);
  }

  private static DeviceListener collecting(BlockingQueue<String> reasons) {
    return new DeviceListener() {
      @Override
      public void onError(HeliographDeviceException failure) {
        reasons.add(failure.reason());
      }
    };
  }

  @Test
  void goesOnWithALogThatThrows() throws Exception {
    BlockingQueue<String> reasons = new LinkedBlockingQueue<>();
    Device.Builder options = Device.builder(directory).log(line -> {
      throw new IllegalStateException(line);
    });
    Device device = options.open();
    device.addListener(collecting(reasons));
    await(device.connect());
    assertEquals("ListenerFailed", reasons.poll(10, TimeUnit.SECONDS));
    await(device.closeAsync());
  }

  @Test
  void closesAfterTheExecutorWasShutDown() throws Exception {
    ExecutorService pool = Executors.newSingleThreadExecutor();
    Device device = Device.builder(directory).executor(pool).open();
    pool.shutdown();
    await(device.connect());
    await(device.closeAsync());
  }

  @Test
  void takesLimitsThatNeverEnd() throws Exception {
    Duration forever = ChronoUnit.FOREVER.getDuration();
    Device device =
        Device.builder(directory).closeLimit(forever).timeLimit(forever).connectTimeout(forever).keepalive(forever).open();
    await(device.connect());
    await(device.closeAsync());
  }

  @Test
  void failsWhereAClockThrows() throws Exception {
    Device device = Device.builder(directory).clock(new Broken()).open();
    CompletableFuture<?> activated = device.activate();
    Throwable failure = assertThrows(ExecutionException.class, () -> await(activated)).getCause();
    assertEquals(HeliographDeviceException.class, failure.getClass());
    await(device.closeAsync());
  }

  @Test
  void saysThatTheVaultThrows() {
    KeyVault busy = new KeyVault() {
      @Override
      public String create() {
        return "a";
      }

      @Override
      public KeyPair find(String reference) {
        throw new ProviderException("busy");
      }
    };
    Device.Builder options = Device.builder(directory).keyVault(busy);
    assertEquals("StateUnusable", assertThrows(HeliographDeviceException.class, options::open).reason());
  }

  private static final class Broken extends Clock {
    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }

    @Override
    public Instant instant() {
      throw new IllegalStateException("no time");
    }
  }
}
