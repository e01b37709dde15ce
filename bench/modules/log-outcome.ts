import type { Outcome } from '@heliograph/core/outcome'

/** What a function logs at the end of a notification. */
export const outcome: Outcome = {
  kind: 'delivered',
  id: '4d1f6f2c-2a0b-4c3a-9a53-6f6bb0f1c0de',
  uniqueId: '0b7e7a3c-6d3e-4f9b-8a55-1f0a5c2e7d11',
  topic: 'com.example.app',
  deviceId: '01J9ZQ3Y6T8V5W2X4N7M1K0HFD',
  seq: '01J9ZQ3Y6T8V5W2X4N7M1K0HFE',
  tokenFingerprint: '3f9a0c12be77',
  age: 12,
  idFromProvider: false,
  pushType: 'alert',
  priority: 10,
  acceptedAt: 1_795_667_655_723,
  at: 1_795_667_655_735,
}
