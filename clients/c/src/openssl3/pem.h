#ifndef PEM_H
#define PEM_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "../names.h"

/* A PEM text may ask for a password; nobody is there to give one, and OpenSSL must not ask the terminal. */
int pem_no_password(char *buffer, int size, int writes, void *context);
/* EC or RSA; NULL if it is none. */
EVP_PKEY *pem_read_key(const char *pem);
/* The first one in the text. */
X509 *pem_read_certificate(const char *pem);

#endif
