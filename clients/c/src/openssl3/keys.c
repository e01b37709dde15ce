/* Keys, certificate requests and certificates, all PEM. */
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "../posix/posix.h"
#include "pem.h"

int pem_no_password(char *buffer, int size, int writes, void *context) {
  (void)buffer;
  (void)size;
  (void)writes;
  (void)context;
  return -1;
}

static BIO *reader_of(const char *pem) { return BIO_new_mem_buf(pem, (int)strlen(pem)); }

EVP_PKEY *pem_read_key(const char *pem) {
  BIO *reader = reader_of(pem);
  EVP_PKEY *key = reader ? PEM_read_bio_PrivateKey(reader, NULL, pem_no_password, NULL) : NULL;
  BIO_free(reader);
  int kind = key ? EVP_PKEY_base_id(key) : EVP_PKEY_NONE;
  if (kind == EVP_PKEY_EC || kind == EVP_PKEY_RSA) return key;
  EVP_PKEY_free(key);
  return NULL;
}

X509 *pem_read_certificate(const char *pem) {
  BIO *reader = reader_of(pem);
  X509 *certificate = reader ? PEM_read_bio_X509(reader, NULL, pem_no_password, NULL) : NULL;
  BIO_free(reader);
  return certificate;
}

/* What was written, as a string. */
static bool take_text(BIO *writer, char *pem, size_t size) {
  char *bytes = NULL;
  long length = BIO_get_mem_data(writer, &bytes);
  if (length <= 0 || (size_t)length >= size) return false;
  memcpy(pem, bytes, (size_t)length);
  pem[length] = '\0';
  return true;
}

static bool make_key(void *context, char *pem, size_t size) {
  (void)context;
  EVP_PKEY *key = EVP_EC_gen("P-256");
  BIO *writer = BIO_new(BIO_s_secmem());
  bool is_made = key && writer && PEM_write_bio_PKCS8PrivateKey(writer, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                 take_text(writer, pem, size);
  BIO_free(writer);
  EVP_PKEY_free(key);
  ERR_clear_error();
  return is_made;
}

/* The name is only a place holder: the service chooses the device id. */
static bool fill_request(X509_REQ *request, EVP_PKEY *key) {
  X509_NAME *name = X509_REQ_get_subject_name(request);
  return X509_REQ_set_version(request, 0) == 1 &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"device", -1, -1, 0) == 1 &&
         X509_REQ_set_pubkey(request, key) == 1 && X509_REQ_sign(request, key, EVP_sha256()) > 0;
}

static bool make_request(void *context, const char *private_key, char *pem, size_t size) {
  (void)context;
  EVP_PKEY *key = pem_read_key(private_key);
  X509_REQ *request = X509_REQ_new();
  BIO *writer = BIO_new(BIO_s_mem());
  bool is_made = key && request && writer && fill_request(request, key) &&
                 PEM_write_bio_X509_REQ(writer, request) == 1 && take_text(writer, pem, size);
  BIO_free(writer);
  X509_REQ_free(request);
  EVP_PKEY_free(key);
  ERR_clear_error();
  return is_made;
}

static bool is_certificate(void *context, const char *pem) {
  (void)context;
  X509 *certificate = pem_read_certificate(pem);
  X509_free(certificate);
  ERR_clear_error();
  return certificate != NULL;
}

static bool belong_together(void *context, const char *private_key, const char *pem) {
  (void)context;
  EVP_PKEY *key = pem_read_key(private_key);
  X509 *certificate = pem_read_certificate(pem);
  bool do_belong = key && certificate && X509_check_private_key(certificate, key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  ERR_clear_error();
  return do_belong;
}

static bool read_name(X509 *certificate, char *name, size_t size) {
  X509_NAME *subject = X509_get_subject_name(certificate);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return false;
  unsigned char *text = NULL;
  int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  bool fits = length > 0 && (size_t)length < size && !memchr(text, '\0', (size_t)length);
  if (fits) {
    memcpy(name, text, (size_t)length);
    name[length] = '\0';
  }
  OPENSSL_free(text);
  return fits;
}

static bool common_name(void *context, const char *pem, char *name, size_t size) {
  (void)context;
  X509 *certificate = pem_read_certificate(pem);
  bool is_read = certificate && read_name(certificate, name, size);
  X509_free(certificate);
  ERR_clear_error();
  return is_read;
}

static bool seconds_of(const ASN1_TIME *time, int64_t *seconds) {
  ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
  int days = 0, rest = 0;
  bool is_read = epoch && ASN1_TIME_diff(&days, &rest, epoch, time) == 1;
  ASN1_TIME_free(epoch);
  *seconds = (int64_t)days * 86400 + rest;
  return is_read;
}

static bool validity(void *context, const char *pem, int64_t *from, int64_t *to) {
  (void)context;
  X509 *certificate = pem_read_certificate(pem);
  bool is_read = certificate && seconds_of(X509_get0_notBefore(certificate), from) &&
                 seconds_of(X509_get0_notAfter(certificate), to);
  X509_free(certificate);
  ERR_clear_error();
  return is_read;
}

void openssl_keys(heliograph_platform *platform) {
  platform->keys.make_key = make_key;
  platform->keys.make_request = make_request;
  platform->keys.is_certificate = is_certificate;
  platform->keys.belong_together = belong_together;
  platform->keys.common_name = common_name;
  platform->keys.validity = validity;
}
