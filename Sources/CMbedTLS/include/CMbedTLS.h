/// The only use of mbedTLS: its headers, and functions of ours where a macro has to be expanded or where the supported
/// lines differ (2.28 on a Debian 12 host, 3.6 from source everywhere else).
///
/// Line 4 has none of what is called here: mbedtls_rsa_*, mbedtls_ecp_*, mbedtls_ecdsa_*, mbedtls_mpi_*, mbedtls_aes_*,
/// mbedtls_des*, mbedtls_sha* and mbedtls_ctr_drbg_* became internal, in favour of the PSA Crypto API.
#ifndef CMBEDTLS_H
#define CMBEDTLS_H

// Line 3 renames the members of its contexts to private_<name> unless it is told otherwise, and some of them have no
// other way in: the factors of an RSA key without its private exponent, which mbedtls_rsa_complete would compute at a
// price in time and arena, and what the Chinese remainder theorem takes.
#define MBEDTLS_ALLOW_PRIVATE_ACCESS

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __has_include(<mbedtls/build_info.h>)
#include <mbedtls/build_info.h>
#else
#include <mbedtls/config.h>
#include <mbedtls/version.h>
#endif

#if MBEDTLS_VERSION_NUMBER < 0x021C0000 || MBEDTLS_VERSION_NUMBER >= 0x04000000
#error "mbedTLS 2.28 or 3.x is needed"
#endif
#if defined(MBEDTLS_RSA_NO_CRT)
#error "mbedTLS is configured with MBEDTLS_RSA_NO_CRT, but RSA private keys are kept by their prime factors"
#endif

/// Whether mbedTLS is configured with a TLS client, which CMbedTLSSSL gives access to.
#if defined(MBEDTLS_SSL_CLI_C) && defined(MBEDTLS_SSL_PROTO_TLS1_2)
#define CMBEDTLS_HAS_TLS 1
#else
#define CMBEDTLS_HAS_TLS 0
#endif

#include <mbedtls/aes.h>
#include <mbedtls/bignum.h>
#include <mbedtls/constant_time.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/des.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/rsa.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>

#include "CMbedTLSArena.h"
#include "CMbedTLSCipher.h"
#include "CMbedTLSEC.h"
#include "CMbedTLSHash.h"
#include "CMbedTLSRandom.h"
#include "CMbedTLSRSA.h"
#include "CMbedTLSStack.h"

#endif
