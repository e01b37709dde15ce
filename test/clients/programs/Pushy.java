import com.eatthepath.pushy.apns.ApnsClient;
import com.eatthepath.pushy.apns.ApnsClientBuilder;
import com.eatthepath.pushy.apns.PushNotificationResponse;
import com.eatthepath.pushy.apns.auth.ApnsSigningKey;
import com.eatthepath.pushy.apns.util.SimpleApnsPayloadBuilder;
import com.eatthepath.pushy.apns.util.SimpleApnsPushNotification;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;

/** Takes its order as a properties file: Java reads no JSON by itself. */
public class Pushy {
  public static void main(String[] args) throws Exception {
    Properties order = new Properties();
    try (var reader = Files.newBufferedReader(Path.of(args[0]))) {
      order.load(reader);
    }
    ApnsClient client = new ApnsClientBuilder()
        .setApnsServer(order.getProperty("host"), Integer.parseInt(order.getProperty("port")))
        .setTrustedServerCertificateChain(new File(order.getProperty("ca")))
        .setUseAlpn(true)
        .setSigningKey(ApnsSigningKey.loadFromPkcs8File(
            new File(order.getProperty("key")), order.getProperty("teamId"), order.getProperty("keyId")))
        .build();
    String payload = new SimpleApnsPayloadBuilder().setAlertBody("pushy").build();
    String topic = order.getProperty("topic");
    long started = System.nanoTime();
    List<CompletableFuture<PushNotificationResponse<SimpleApnsPushNotification>>> sends = new ArrayList<>();
    for (String token : order.getProperty("tokens").split(","))
      sends.add(client.sendNotification(new SimpleApnsPushNotification(token, topic, payload)));
    Map<String, Integer> answers = new TreeMap<>();
    for (var send : sends) answers.merge(answerOf(send), 1, Integer::sum);
    long milliseconds = (System.nanoTime() - started) / 1_000_000;
    String counted = answers.entrySet().stream()
        .map(one -> "\"" + one.getKey().replaceAll("[\"\\\\]", "'") + "\":" + one.getValue())
        .collect(Collectors.joining(","));
    System.out.println("{\"answers\":{" + counted + "},\"milliseconds\":" + milliseconds + "}");
    client.close().get();
  }

  private static String answerOf(
      CompletableFuture<PushNotificationResponse<SimpleApnsPushNotification>> send)
      throws InterruptedException {
    try {
      var response = send.get();
      return (response.getStatusCode() + " " + response.getRejectionReason().orElse("")).trim();
    } catch (ExecutionException fault) {
      return String.valueOf(fault.getCause());
    }
  }
}
