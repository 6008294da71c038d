/// Access to mbedTLS's TLS: a module of its own, so that a program without TLS links none of it.
///
/// One connection of a TLS 1.2 client that does no input or output: it says what it waits for, and whoever drives it
/// moves the bytes. What the server's certificates are worth is told as facts, and checked by the caller.
#ifndef CMBEDTLSSSL_H
#define CMBEDTLSSSL_H

#include "CMbedTLS.h"

#if !CMBEDTLS_HAS_TLS
#error "mbedTLS is configured without a TLS client: see Toolchain/mbedtls/config-tls.h"
#endif

#include <mbedtls/ssl.h>
#include <mbedtls/x509.h>

/// Certificates to trust, or to show, in mbedTLS's memory.
typedef struct cmbedtls_certificates cmbedtls_certificates;

/// Adds certificates: in PEM with any text between them, where mbedTLS has PEM; or one in DER or in base64. Makes the list
/// if there is none yet. Certificates in PEM that mbedTLS cannot read are passed over.
///
/// Returns how many there are now, or a negative status.
int cmbedtls_certificates_add(cmbedtls_certificates **list, const uint8_t *bytes, size_t count);
void cmbedtls_certificates_free(cmbedtls_certificates *list);

/// Signs a digest for the client's certificate: RSASSA-PKCS1-v1_5, or an Ecdsa-Sig-Value in DER. `algorithm` is one of
/// CMBEDTLS_SHA1 to CMBEDTLS_SHA512. Returns 0 for success.
typedef int (*cmbedtls_ssl_sign)(void *key, uint8_t algorithm, const uint8_t *digest, size_t count, uint8_t *signature,
                                 size_t capacity, size_t *size);

typedef struct {
    /// The server's DNS name; NULL when its address is given.
    const uint8_t *name;
    size_t name_count;
    /// The server's address, 4 or 16 bytes; NULL when its name is given.
    const uint8_t *address;
    size_t address_count;
    /// May be NULL; both outlast the connection.
    cmbedtls_certificates *anchors;
    /// The client's own certificate, and then the CAs above it; NULL for none.
    cmbedtls_certificates *identity;
    cmbedtls_ssl_sign sign;
    void *key;
    size_t signature_size;
    int is_rsa;
} cmbedtls_ssl_options;

/// The date of a certificate, as RFC 5280 has it.
typedef struct {
    int32_t year, month, day, hour, minute, second;
} cmbedtls_ssl_date;

/// What there is to know about a part of the server's certificates.
typedef struct {
    /// MBEDTLS_X509_BADCERT_…
    uint32_t flags;
    /// The latest beginning, and the earliest end.
    cmbedtls_ssl_date begin, end;
} cmbedtls_ssl_facts;

typedef struct {
    cmbedtls_ssl_facts server;
    /// Of the certificates above; their dates are all 0 if there are none.
    cmbedtls_ssl_facts issuers;
    /// Whether the server's certificate is one for this name or address.
    int names_host;
    /// Digests of the server's certificate.
    uint8_t sha256[32];
    uint8_t sha512[64];
} cmbedtls_ssl_verdict;

/// What stands in the way; other results are 0 or a count for success, or a status of mbedTLS.
enum {
    /// The bytes of cmbedtls_ssl_outgoing have to be sent.
    CMBEDTLS_SSL_SEND = -1,
    /// Bytes have to be received into cmbedtls_ssl_incoming.
    CMBEDTLS_SSL_RECEIVE = -2,
    /// The server's certificate has come, and is to be accepted or refused.
    CMBEDTLS_SSL_VERIFY = -3,
};

typedef struct cmbedtls_ssl cmbedtls_ssl;

/// Begins a connection. NULL when there is no memory, or an option is not good: `status` is mbedTLS's then.
cmbedtls_ssl *cmbedtls_ssl_open(const cmbedtls_ssl_options *options, int *status);
void cmbedtls_ssl_free(cmbedtls_ssl *ssl);

/// Goes on with the handshake.
int cmbedtls_ssl_handshake(cmbedtls_ssl *ssl, cmbedtls_generator *random);
const cmbedtls_ssl_verdict *cmbedtls_ssl_certificate(const cmbedtls_ssl *ssl);
void cmbedtls_ssl_accept(cmbedtls_ssl *ssl);
/// Tells the server that its certificate is refused; `alert` is an MBEDTLS_SSL_ALERT_MSG_….
int cmbedtls_ssl_refuse(cmbedtls_ssl *ssl, uint8_t alert);

/// Sends some of `bytes`, at least one; has to be called with the same again after CMBEDTLS_SSL_SEND.
int cmbedtls_ssl_write(cmbedtls_ssl *ssl, cmbedtls_generator *random, const uint8_t *bytes, size_t count);
/// Returns how many bytes were received, or 0 when the server has ended the stream by close_notify.
int cmbedtls_ssl_read(cmbedtls_ssl *ssl, cmbedtls_generator *random, uint8_t *bytes, size_t count);
int cmbedtls_ssl_close_notify(cmbedtls_ssl *ssl);

/// The bytes that are to be sent, all of them; NULL for none.
const uint8_t *cmbedtls_ssl_outgoing(const cmbedtls_ssl *ssl, size_t *count);
void cmbedtls_ssl_sent(cmbedtls_ssl *ssl);
/// Where bytes are to be received to, and how many at most. NULL when the call is to be made again without.
uint8_t *cmbedtls_ssl_incoming(const cmbedtls_ssl *ssl, size_t *count);
/// Says how many came, at least one.
void cmbedtls_ssl_received(cmbedtls_ssl *ssl, size_t count);

/// The description of the alert that the last call failed with (MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE).
uint8_t cmbedtls_ssl_alert(const cmbedtls_ssl *ssl);
/// How far a connection has come.
enum {
    /// The server has not answered the ClientHello yet.
    CMBEDTLS_SSL_GREETING,
    /// Its certificate is looked at.
    CMBEDTLS_SSL_CERTIFYING,
    CMBEDTLS_SSL_AGREEING,
    /// The client has sent all that is its part of the handshake.
    CMBEDTLS_SSL_FINISHED,
    CMBEDTLS_SSL_OPEN,
};
int cmbedtls_ssl_phase(const cmbedtls_ssl *ssl);
/// MBEDTLS_X509_BADCERT_…: what mbedTLS itself refused.
uint32_t cmbedtls_ssl_flags(const cmbedtls_ssl *ssl);
/// Whether the client's key failed to sign.
int cmbedtls_ssl_key_failed(const cmbedtls_ssl *ssl);

#endif
