package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class BackoffTest {
  @Test
  void doublesItsCeilingUpToTwoMinutes() {
    long[] ceilings = {1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 120_000, 120_000};
    for (int failures = 0; failures < ceilings.length; failures++) {
      assertEquals(ceilings[failures], Backoff.retryDelayMs(failures, () -> 1));
      assertEquals(0, Backoff.retryDelayMs(failures, () -> 0));
    }
    assertEquals(60_000, Backoff.retryDelayMs(Integer.MAX_VALUE, () -> 0.5));
  }

  @Test
  void variesAPauseByHalf() {
    assertEquals(7_500, Backoff.variedMs(15_000, 900_000, 0, () -> 0));
    assertEquals(45_000, Backoff.variedMs(15_000, 900_000, 1, () -> 1));
    assertEquals(900_000, Backoff.variedMs(15_000, 900_000, 1_000, () -> 0.5));
  }
}
