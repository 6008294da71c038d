#ifndef COPENSSL_H
#define COPENSSL_H

/// The only door to OpenSSL's libcrypto (Debian: libssl-dev). Inline functions stand for what Swift cannot call:
/// macros, and the typed stacks that are made of them.

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#endif
