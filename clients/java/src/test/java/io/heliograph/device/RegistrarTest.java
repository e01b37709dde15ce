package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistrarTest {
  private static final List<String> NOTHING = Collections.singletonList("connect {\"tokens\":[]}");

  @TempDir Path directory;
  private final TestDevice device = new TestDevice();
  private Registrar registrar;

  @BeforeEach
  void open() throws Exception {
    registrar = reopened();
  }

  private Registrar reopened() throws Exception {
    RegistrationStore store = RegistrationStore.open(directory);
    return new Registrar(store, device, device.events, device.loop, () -> 0.5, 30_000);
  }

  private static String reason(CompletableFuture<?> failed) {
    assertTrue(failed.isDone());
    ExecutionException thrown = assertThrows(ExecutionException.class, failed::get);
    return ((HeliographDeviceException) thrown.getCause()).reason();
  }

  private void token(String topic, String token) throws Exception {
    registrar.onToken(Json.parseObject("{\"topic\":\"" + topic + "\",\"token\":\"" + token + "\"}"));
  }

  private void account(String text) throws Exception {
    registrar.onAccount(Json.parseObject(text));
  }

  private void refused(String text) throws Exception {
    registrar.onError(Json.parseObject(text));
  }

  @Test
  void keepsATokenAndPresentsItInTheNextProcess() throws Exception {
    CompletableFuture<String> answer = registrar.register("app");
    token("app", "t1");
    assertEquals("t1", answer.get());
    token("app", "t1");
    assertEquals(Collections.singletonList("token app t1"), device.heard);
    device.sent.clear();
    reopened().onConnected();
    assertEquals(Collections.singletonList("connect {\"tokens\":[\"t1\"]}"), device.sent);
  }

  /** The disk is full. */
  @Test
  void staysRegisteredWhereTheWishToLeaveCannotBeKept() throws Exception {
    registrar.register("app");
    token("app", "t1");
    CompletableFuture<String> asked = registrar.register("other");
    Path inTheWay = directory.resolve("registrations.json.tmp");
    Files.createDirectories(inTheWay.resolve("full"));
    device.sent.clear();
    assertEquals("StateUnusable", reason(registrar.unregister("app")));
    assertEquals("StateUnusable", reason(registrar.unregister("other")));
    assertFalse(registrar.hasLeft("app"));
    assertFalse(asked.isDone());
    assertEquals(Collections.emptyList(), device.sent);
    Files.delete(inTheWay.resolve("full"));
    registrar.unregister("app");
    assertTrue(registrar.hasLeft("app"));
    Files.createDirectories(inTheWay.resolve("full"));
    assertEquals("StateUnusable", reason(registrar.register("app")));
    assertTrue(registrar.hasLeft("app"));
  }

  @Test
  void repeatsWhatIsNotAnsweredAndStopsAtTheAnswer() throws Exception {
    registrar.register("app");
    device.acknowledgeAll();
    device.loop.advance(9_999);
    assertEquals(1, device.sent.size());
    device.loop.advance(1);
    assertEquals(2, device.sent.size());
    device.loop.advance(20_000);
    assertEquals(3, device.sent.size());
    token("app", "t1");
    device.loop.advance(3600_000);
    assertEquals(3, device.sent.size());
  }

  @Test
  void keepsAWishThatTimedOut() throws Exception {
    device.isOnline = false;
    CompletableFuture<String> answer = registrar.register("app");
    device.loop.advance(30_000);
    assertEquals("Timeout", reason(answer));
    device.isOnline = true;
    reopened().onConnected();
    assertEquals(Arrays.asList(NOTHING.get(0), "register {\"topic\":\"app\"}"), device.sent);
  }

  @Test
  void endsARefusedRegistrationForGood() throws Exception {
    CompletableFuture<String> answer = registrar.register("app");
    device.acknowledgeAll();
    refused("{\"reason\":\"UnknownTopic\",\"request\":{\"kind\":\"register\",\"topic\":\"app\"}}");
    assertEquals("UnknownTopic", reason(answer));
    device.sent.clear();
    device.loop.advance(60_000);
    registrar.onConnected();
    assertEquals(NOTHING, device.sent);
    CompletableFuture<String> bad = registrar.register("no topic");
    refused("{\"reason\":\"BadTopic\",\"request\":{\"kind\":\"register\"}}");
    assertEquals("BadTopic", reason(bad));
    refused("{\"reason\":\"BadRequest\",\"request\":{\"kind\":\"connect\"}}");
    assertEquals(Collections.singletonList("error BadRequest"), device.heard);
  }

  @Test
  void tellsAnUnregisterMadeOfflineLater() throws Exception {
    registrar.register("app");
    token("app", "t1");
    device.isOnline = false;
    registrar.unregister("app");
    assertTrue(registrar.hasLeft("app"));
    assertTrue(registrar.tokens().isEmpty());
    registrar = reopened();
    assertTrue(registrar.hasLeft("app"));
    device.isOnline = true;
    device.sent.clear();
    registrar.onConnected();
    assertEquals(Arrays.asList(NOTHING.get(0), "unregister {\"topic\":\"app\"}"), device.sent);
    device.acknowledgeAll();
    assertFalse(reopened().hasLeft("app"));
    refused("{\"reason\":\"UnknownTopic\",\"request\":{\"kind\":\"unregister\",\"topic\":\"app\"}}");
    token("app", "t2");
    assertEquals(Collections.singletonList("token app t1"), device.heard);
  }

  @Test
  void lastOfQuickCallsCounts() throws Exception {
    CompletableFuture<String> first = registrar.register("app");
    CompletableFuture<Void> left = registrar.unregister("app");
    assertEquals("Closed", reason(first));
    CompletableFuture<String> second = registrar.register("app");
    assertTrue(left.isDone());
    device.acknowledgeAll();
    token("app", "t1");
    assertEquals("t1", second.get());
    assertFalse(reopened().hasLeft("app"));
  }

  @Test
  void takesRenewedTokensAndRegistersRejectedOnesOnce() throws Exception {
    registrar.register("app");
    token("app", "t1");
    account("{\"accepted\":[\"x\"],\"renewed\":[{\"topic\":\"app\",\"token\":\"t2\"},7]}");
    assertEquals("t2", reopened().tokens().get("app"));
    device.sent.clear();
    String rejected = "{\"rejected\":[{\"token\":\"t2\",\"reason\":\"BadDeviceToken\"}]}";
    account(rejected);
    assertEquals(Collections.singletonList("register {\"topic\":\"app\"}"), device.sent);
    token("app", "t2");
    account(rejected);
    assertEquals(1, device.sent.size());
    assertEquals("error BadDeviceToken", device.heard.get(device.heard.size() - 1));
    account("{\"accepted\":[\"app\"]}");
    account(rejected);
    assertEquals(2, device.sent.size());
  }

  @Test
  void presentsAgainUntilItIsAnswered() throws Exception {
    registrar.onConnected();
    device.loop.advance(10_000);
    assertEquals(2, device.sent.size());
    account("{}");
    device.loop.advance(3600_000);
    assertEquals(2, device.sent.size());
    assertEquals(0, device.loop.timers());
  }

  @Test
  void endsEveryWaitWhenClosed() {
    CompletableFuture<String> answer = registrar.register("app");
    CompletableFuture<Void> left = registrar.unregister("other");
    registrar.close();
    assertEquals("Closed", reason(answer));
    assertEquals("Closed", reason(left));
    assertEquals(0, device.loop.timers());
  }
}
