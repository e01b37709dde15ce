package io.heliograph.device;

import java.util.regex.Pattern;

/** Numbers that are too long for Gson, which refuses those of 1,024 characters and more; JSON has no limit. */
final class LongNumbers {
  private static final int TOO_LONG = 1_000;
  /** As JSON has them (RFC 8259, 6); possessive, so that a long one is not tried again and again. */
  private static final Pattern NUMBER =
      Pattern.compile("-?+(?:0|[1-9][0-9]*+)(?:\\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+");
  /** Too large for a double, as what it stands for. */
  private static final String INFINITE = "1e999";

  private LongNumbers() {}

  /** The same JSON text with a short name of the same double for each long number. What is no JSON stays none. */
  static String shortened(String text) {
    if (text.length() < TOO_LONG) return text;
    StringBuilder shorter = new StringBuilder(text.length());
    for (int at = 0; at < text.length(); ) {
      int end = endOfToken(text, at);
      String token = text.substring(at, end);
      shorter.append(isLongNumber(token) ? shortName(Double.parseDouble(token)) : token);
      at = end;
    }
    return shorter.toString();
  }

  private static boolean isLongNumber(String token) {
    return token.length() >= TOO_LONG && NUMBER.matcher(token).matches();
  }

  private static String shortName(double number) {
    if (!Double.isInfinite(number)) return Double.toString(number);
    return number > 0 ? INFINITE : "-" + INFINITE;
  }

  /** Of a string, of what may be a number, or of one other character. */
  private static int endOfToken(String text, int start) {
    if (text.charAt(start) == '"') return endOfString(text, start);
    int end = start;
    while (end < text.length() && isOfNumber(text.charAt(end))) end++;
    return Math.max(end, start + 1);
  }

  private static int endOfString(String text, int start) {
    int end = start + 1;
    while (end < text.length() && text.charAt(end) != '"') end += text.charAt(end) == '\\' ? 2 : 1;
    return Math.min(end + 1, text.length());
  }

  private static boolean isOfNumber(char one) {
    return (one >= '0' && one <= '9') || one == '-' || one == '+' || one == '.' || one == 'e' || one == 'E';
  }
}
