/* Keys and certificates with OpenSSL. The certificates are made here. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "heliograph/platform.h"
#include "test.h"

static heliograph_platform platform;

static EVP_PKEY *read_key(const char *pem) {
  BIO *reader = BIO_new_mem_buf(pem, -1);
  EVP_PKEY *key = PEM_read_bio_PrivateKey(reader, NULL, NULL, NULL);
  BIO_free(reader);
  return key;
}

/* Signed by its own key, for a year from 2020-01-01 on. */
static void make_certificate(const char *private_key, const char *name, int name_size, char *pem, size_t size) {
  EVP_PKEY *key = read_key(private_key);
  X509 *certificate = X509_new();
  BIO *writer = BIO_new(BIO_s_mem());
  char *bytes;
  CHECK(key && certificate && writer);
  CHECK(ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20200101000000Z"));
  CHECK(ASN1_TIME_set_string(X509_getm_notAfter(certificate), "20210101000000Z"));
  CHECK(X509_set_pubkey(certificate, key));
  CHECK(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, (const unsigned char *)name,
                                   name_size, -1, 0));
  CHECK(X509_sign(certificate, key, EVP_sha256()) > 0 && PEM_write_bio_X509(writer, certificate));
  long length = BIO_get_mem_data(writer, &bytes);
  CHECK(length > 0 && (size_t)length < size);
  memcpy(pem, bytes, (size_t)length);
  pem[length] = '\0';
  BIO_free(writer);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

static char key[HELIOGRAPH_PEM], other[HELIOGRAPH_PEM], certificate[HELIOGRAPH_PEM], request[HELIOGRAPH_PEM];

static void makes_keys_and_requests(void) {
  CHECK(platform.keys.make_key(NULL, key, sizeof key) && platform.keys.make_key(NULL, other, sizeof other));
  CHECK(strstr(key, "-----BEGIN PRIVATE KEY-----") && strcmp(key, other) != 0);
  CHECK(!platform.keys.make_key(NULL, request, 10));
  CHECK(platform.keys.make_request(NULL, key, request, sizeof request));
  BIO *reader = BIO_new_mem_buf(request, -1);
  X509_REQ *read = PEM_read_bio_X509_REQ(reader, NULL, NULL, NULL);
  EVP_PKEY *signer = read_key(key);
  CHECK(read && X509_REQ_verify(read, signer) == 1 && X509_REQ_get_version(read) == 0);
  EVP_PKEY_free(signer);
  X509_REQ_free(read);
  BIO_free(reader);
  CHECK(!platform.keys.make_request(NULL, "no key", request, sizeof request));
}

static void reads_certificates(void) {
  int64_t from, to;
  char name[65];
  make_certificate(key, "0123456789abcdef", -1, certificate, sizeof certificate);
  CHECK(platform.keys.is_certificate(NULL, certificate) && !platform.keys.is_certificate(NULL, key));
  CHECK(platform.keys.belong_together(NULL, key, certificate) && !platform.keys.belong_together(NULL, other, certificate));
  CHECK(platform.keys.common_name(NULL, certificate, name, sizeof name));
  CHECK_SAME(name, "0123456789abcdef");
  CHECK(!platform.keys.common_name(NULL, certificate, name, 16));
  CHECK(platform.keys.validity(NULL, certificate, &from, &to) && from == 1577836800 && to == 1609459200);
  make_certificate(key, "a\0b", 3, certificate, sizeof certificate);
  CHECK(!platform.keys.common_name(NULL, certificate, name, sizeof name));
}

static void refuses_what_is_none(void) {
  int64_t from, to;
  char name[65];
  const char *bad[] = {"", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                       "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END CERTIFICATE-----\n",
                       "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    CHECK(!platform.keys.is_certificate(NULL, bad[i]) && !platform.keys.belong_together(NULL, key, bad[i]));
    CHECK(!platform.keys.belong_together(NULL, bad[i], certificate));
    CHECK(!platform.keys.validity(NULL, bad[i], &from, &to) && !platform.keys.common_name(NULL, bad[i], name, sizeof name));
  }
}

int main(void) {
  heliograph_default_platform(&platform);
  makes_keys_and_requests();
  reads_certificates();
  refuses_what_is_none();
  return 0;
}
