/// Points and scalars as bytes: the context members have other names in each line, and bignums are made of macros.
#ifndef CMBEDTLS_EC_H
#define CMBEDTLS_EC_H

#include "CMbedTLS.h"
#include "CMbedTLSHash.h"
#include "CMbedTLSRandom.h"

// A board that has no space for elliptic curves defines CMBEDTLS_NO_EC: mbedTLS's code for them is then not linked, and
// all of these fail with MBEDTLS_ERR_ECP_FEATURE_UNAVAILABLE.

/// 1 if there are elliptic curves, else 0.
int cmbedtls_has_ec(void);

/// A private scalar, big-endian, and its uncompressed point of 1 + 2 * `field_size` bytes.
int cmbedtls_ec_generate(cmbedtls_generator *random, size_t field_size, uint8_t *scalar,
                         uint8_t *point);

/// The uncompressed point of a private scalar. Fails when the scalar is 0 or not below the order of the group.
int cmbedtls_ec_point(cmbedtls_generator *random, size_t field_size, const uint8_t *scalar,
                      uint8_t *point);

/// Deterministic ECDSA (RFC 6979), blinded with `random`; `r` and `s` are `field_size` bytes each, big-endian.
int cmbedtls_ec_sign(cmbedtls_generator *random, size_t field_size, const uint8_t *scalar,
                     uint8_t algorithm, size_t count, const uint8_t *digest, uint8_t *r_bytes,
                     uint8_t *s_bytes);

/// `point` is uncompressed, 04 in front, and is checked to lie on the curve; `r` and `s` are big-endian.
int cmbedtls_ec_verify(size_t field_size, const uint8_t *point, size_t count, const uint8_t *digest,
                       const uint8_t *r_bytes, size_t r_count, const uint8_t *s_bytes,
                       size_t s_count);

#endif
