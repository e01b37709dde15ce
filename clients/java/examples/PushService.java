import io.heliograph.device.Activation;
import io.heliograph.device.Device;
import io.heliograph.device.DeviceListener;
import io.heliograph.device.HeliographDeviceException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;

/**
 * A service that prints what is pushed to it, until it is told to stop.
 *
 * <pre>
 * java -cp "target/heliograph-device-0.1.0.jar:target/lib/*" examples/PushService.java \
 *   DIRECTORY TOPIC [ACTIVATION-URL CODE [CA.pem]]
 * </pre>
 */
public final class PushService {
  private PushService() {}

  public static void main(String[] arguments) throws Exception {
    Device.Builder options = Device.builder(Paths.get(arguments[0])).log(System.err::println);
    if (arguments.length > 2) options.activation(activation(arguments));
    CountDownLatch told = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(told::countDown));
    try (Device device = options.open()) {
      device.addListener(new Printer());
      device.onNotification(one -> System.out.println(one.topic() + " " + one.payloadText()));
      device.connect().get();
      // Printer.onToken hears of the token, now and whenever it changes; this is for a wrong topic.
      device.register(arguments[1]).get();
      told.await();
    } catch (ExecutionException e) {
      System.err.println(e.getCause().getMessage());
      System.exit(1);
    }
  }

  private static Activation activation(String[] arguments) throws Exception {
    if (arguments.length < 5) return Activation.of(arguments[2], arguments[3]);
    Path ca = Paths.get(arguments[4]);
    return Activation.of(arguments[2], arguments[3], new String(Files.readAllBytes(ca), StandardCharsets.UTF_8));
  }

  private static final class Printer implements DeviceListener {
    @Override
    public void onToken(String topic, String token) {
      System.out.println("token for " + topic + ": " + token); // send it to your provider
    }

    @Override
    public void onDisconnected(String cause, OptionalLong retryInMs) {
      System.err.println("disconnected: " + cause);
    }

    @Override
    public void onError(HeliographDeviceException failure) {
      System.err.println(failure.reason() + ": " + failure.getMessage());
    }
  }
}
