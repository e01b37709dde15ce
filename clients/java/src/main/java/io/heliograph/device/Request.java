package io.heliograph.device;

import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** What a device asks of the service; the names are those of the answer to the activation. */
enum Request {
  register,
  connect,
  unregister,
  renew;

  /** Publishes a request; done at the PUBACK, on the loop, or fails while there is no connection. */
  interface Send {
    CompletableFuture<Void> send(Request request, Map<String, Object> body);
  }
}
