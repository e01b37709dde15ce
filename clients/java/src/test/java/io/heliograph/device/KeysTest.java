package io.heliograph.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.security.KeyPair;
import java.security.ProviderException;
import java.security.Signature;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class KeysTest {
  private final PemKeys vault = new PemKeys();

  @Test
  void findsTheSamePairAgain() throws Exception {
    for (int i = 0; i < 50; i++) {
      String key = vault.create();
      String certificate = TestPair.certificate(key, "device", 0, 1_000_000);
      assertTrue(Certificates.belongTogether(vault.find(key), certificate));
      assertFalse(Certificates.belongTogether(vault.find(vault.create()), certificate));
    }
  }

  /** Made by OpenSSL, as Node.js and Python write theirs: PKCS#8 with the public key inside. */
  @Test
  void readsKeysOfOtherSdks() throws Exception {
    String key =
        "-----BEGIN PRIVATE KEY-----\n"
            + "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgqAgeyY9b2rFbCiVp\n"
            + "NVQYYVW+IWG1pTL3TEissJTp5kahRANCAASadh9MB6vQP0xwpTtUVLZZtI1lRySJ\n"
            + "D1z/W8ZQAb0mRX/sr+10z8hQIMuNjQwmP4f3TqM4q4v6BZd0/UA0WW/Z\n"
            + "-----END PRIVATE KEY-----\n";
    KeyPair pair = vault.find(key);
    Signature signer = Signature.getInstance("SHA256withECDSA");
    signer.initSign(pair.getPrivate());
    signer.update(new byte[] {1});
    Signature verifier = Signature.getInstance("SHA256withECDSA");
    verifier.initVerify(pair.getPublic());
    verifier.update(new byte[] {1});
    assertTrue(verifier.verify(signer.sign()));
  }

  @Test
  void makesACertificateRequestThatItsKeySigned() throws Exception {
    KeyPair pair = vault.find(vault.create());
    byte[] der = Pem.read("CERTIFICATE REQUEST", CertificateRequest.make(pair));
    int start = (der[1] & 0xff) == 0x81 ? 3 : 4;
    int infoLength = (der[start + 1] & 0xff) == 0x81 ? (der[start + 2] & 0xff) + 3 : (der[start + 1] & 0xff) + 2;
    byte[] info = Arrays.copyOfRange(der, start, start + infoLength);
    int signature = start + infoLength + 12 + 3;
    Signature verifier = Signature.getInstance("SHA256withECDSA");
    verifier.initVerify(pair.getPublic());
    verifier.update(info);
    assertTrue(verifier.verify(Arrays.copyOfRange(der, signature, der.length)));
  }

  @Test
  void saysNothingOfAKeyThatCannotBeUsed() {
    Keys keys = new Keys(vault, line -> {});
    HeliographDeviceException failure = assertThrows(HeliographDeviceException.class, () -> keys.find("SECRET"));
    assertEquals("StateDamaged", failure.reason());
    assertFalse(failure.getMessage().contains("SECRET"));
  }

  /** A vault of the program's, which may return and throw what it should not. */
  @Test
  void endsWhateverAVaultDoesAsAFailureOfItsOwn() throws Exception {
    Credentials pair = TestPair.make("device", 0, 1_000_000);
    Keys empty = new Keys(vaultThat(reference -> null), line -> {});
    assertEquals("StateDamaged", assertThrows(HeliographDeviceException.class, () -> empty.find("a")).reason());
    assertEquals("StateDamaged", assertThrows(HeliographDeviceException.class, () -> empty.request("a")).reason());
    assertFalse(empty.has("a") || empty.match(pair));
    Keys busy = new Keys(vaultThat(reference -> {
      throw new ProviderException(reference);
    }), line -> {});
    List<Executable> calls = Arrays.asList(
        () -> busy.find("SECRET"), () -> busy.has("SECRET"), () -> busy.request("SECRET"), () -> busy.match(pair));
    for (Executable call : calls) {
      HeliographDeviceException failure = assertThrows(HeliographDeviceException.class, call);
      assertEquals("StateUnusable", failure.reason());
      assertFalse(failure.getMessage().contains("SECRET"));
    }
  }

  private static KeyVault vaultThat(Function<String, KeyPair> finds) {
    return new KeyVault() {
      @Override
      public String create() {
        return "a";
      }

      @Override
      public KeyPair find(String reference) {
        return finds.apply(reference);
      }
    };
  }

  @Test
  void knowsAgeAndNameOfACertificate() throws Exception {
    String certificate = TestPair.make("abc", 0, 90_000).certificate;
    assertEquals("abc", Certificates.commonName(certificate));
    assertEquals(Certificates.Age.FRESH, Certificates.age(certificate, 60_000));
    assertEquals(Certificates.Age.RENEWAL_DUE, Certificates.age(certificate, 60_001));
    assertEquals(Certificates.Age.RENEWAL_DUE, Certificates.age(certificate, 89_999));
    assertEquals(Certificates.Age.EXPIRED, Certificates.age(certificate, 90_000));
  }
}
