package io.heliograph.device;

import java.io.ByteArrayOutputStream;

/** The little of X.690 that a certificate request needs. */
final class Der {
  private Der() {}

  /** A DER value of less than 64 KiB. */
  static byte[] value(int tag, byte[]... contents) {
    int length = 0;
    for (byte[] content : contents) length += content.length;
    ByteArrayOutputStream der = new ByteArrayOutputStream();
    der.write(tag);
    if (length < 0x80) {
      der.write(length);
    } else if (length < 0x100) {
      der.write(0x81);
      der.write(length);
    } else {
      der.write(0x82);
      der.write(length >> 8);
      der.write(length & 0xff);
    }
    for (byte[] content : contents) der.write(content, 0, content.length);
    return der.toByteArray();
  }
}
