package io.heliograph.device;

import java.util.Objects;
import java.util.Optional;

/** What the operator hands out for one device. */
public final class Activation {
  private final String url;
  private final String code;
  private final String ca;

  private Activation(String url, String code, String ca) {
    this.url = Objects.requireNonNull(url, "url");
    this.code = Objects.requireNonNull(code, "code");
    this.ca = ca;
  }

  /**
   * An activation at an endpoint whose certificate the system's CAs have signed.
   *
   * @param url complete, https
   * @param code the one-time activation code
   * @return the activation
   */
  public static Activation of(String url, String code) {
    return new Activation(url, code, null);
  }

  /**
   * An activation at an endpoint whose certificate a private CA has signed.
   *
   * @param url complete, https
   * @param code the one-time activation code
   * @param ca PEM
   * @return the activation
   */
  public static Activation of(String url, String code, String ca) {
    return new Activation(url, code, Objects.requireNonNull(ca, "ca"));
  }

  String url() {
    return url;
  }

  String code() {
    return code;
  }

  Optional<String> ca() {
    return Optional.ofNullable(ca);
  }

  /** Names the endpoint, not the code. */
  @Override
  public String toString() {
    return "activation at " + url;
  }
}
