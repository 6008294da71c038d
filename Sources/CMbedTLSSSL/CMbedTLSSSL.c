#include "CMbedTLSSSL.h"

#include <mbedtls/base64.h>
#include <mbedtls/oid.h>
#include <mbedtls/platform.h>
#include <mbedtls/x509_crt.h>

// A key that may live elsewhere has to be known to mbedTLS as a type of key of its own. It has a public interface for
// RSA alone (MBEDTLS_PK_RSA_ALT); the table behind it, which serves every kind of key, is in a header that line 2.28
// installs and line 3.6 keeps among its sources, from where Toolchain/mbedtls/build takes it.
#if MBEDTLS_VERSION_NUMBER < 0x03000000
#include <mbedtls/pk_internal.h>
#define CMBEDTLS_SSL_IDENTITY 1
#elif __has_include(<mbedtls/pk_wrap.h>)
#include <mbedtls/pk_wrap.h>
#define CMBEDTLS_SSL_IDENTITY 1
#else
#define CMBEDTLS_SSL_IDENTITY 0
#endif

struct cmbedtls_certificates {
    mbedtls_x509_crt first;
};

struct cmbedtls_ssl {
    mbedtls_ssl_context context;
    mbedtls_ssl_config config;
    mbedtls_x509_crt no_anchors;
#if CMBEDTLS_SSL_IDENTITY
    mbedtls_pk_context key;
#endif
    cmbedtls_ssl_options options;
    uint8_t address[16];
    cmbedtls_ssl_verdict verdict;
    cmbedtls_generator *random;
    const uint8_t *outgoing;
    size_t outgoing_count;
    uint8_t *incoming;
    size_t incoming_count;
    size_t received;
    uint8_t is_sent, has_certificate, is_accepted, key_failed;
};

// MARK: What is asked of the server

// ECDHE and AEAD only: every connection has keys of its own, and none of what attacks CBC, static RSA or SHA-1 applies.
static const int suites[] = {
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
#if defined(MBEDTLS_CHACHAPOLY_C)
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
#endif
    0,
};

#if MBEDTLS_VERSION_NUMBER < 0x03000000
static const mbedtls_ecp_group_id groups[] = {MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};
static const int hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512, MBEDTLS_MD_NONE};
#else
static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};
#define PAIR(hash, key) ((MBEDTLS_SSL_HASH_##hash << 8) | MBEDTLS_SSL_SIG_##key)
static const uint16_t signatures[] = {
    PAIR(SHA256, ECDSA), PAIR(SHA256, RSA), PAIR(SHA384, ECDSA), PAIR(SHA384, RSA), PAIR(SHA512, ECDSA),
    PAIR(SHA512, RSA), MBEDTLS_TLS1_3_SIG_NONE,
};
#endif

// SHA-256, RSA-2048, P-256 and P-384 are the least.
static const mbedtls_x509_crt_profile profile = {
    MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) | MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384)
        | MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
    MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_RSA) | MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_RSASSA_PSS)
        | MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECKEY) | MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECDSA),
    MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1) | MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP384R1),
    2048,
};

// MARK: Certificates

static int parse_base64(mbedtls_x509_crt *list, const uint8_t *bytes, size_t count) {
    // Three bytes of four characters at most.
    const size_t capacity = count / 4 * 3 + 3;
    size_t size = 0;
    uint8_t *der = mbedtls_calloc(1, capacity);
    if (der == NULL) {
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    }
    int status = mbedtls_base64_decode(der, capacity, &size, bytes, count);
    if (status == 0) {
        status = mbedtls_x509_crt_parse_der(list, der, size);
    }
    mbedtls_free(der);
    return status;
}

static int parse_pem(mbedtls_x509_crt *list, const uint8_t *bytes, size_t count) {
#if defined(MBEDTLS_PEM_PARSE_C)
    // mbedTLS wants a zero behind it.
    uint8_t *text = mbedtls_calloc(1, count + 1);
    if (text == NULL) {
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    }
    memcpy(text, bytes, count);
    const int status = mbedtls_x509_crt_parse(list, text, count + 1);
    mbedtls_free(text);
    return status;
#else
    (void) list;
    (void) bytes;
    (void) count;
    return MBEDTLS_ERR_X509_CERT_UNKNOWN_FORMAT;
#endif
}

int cmbedtls_certificates_add(cmbedtls_certificates **list, const uint8_t *bytes, size_t count) {
    if (*list == NULL) {
        *list = mbedtls_calloc(1, sizeof **list);
        if (*list == NULL) {
            return MBEDTLS_ERR_X509_ALLOC_FAILED;
        }
        mbedtls_x509_crt_init(&(*list)->first);
    }
    mbedtls_x509_crt *first = &(*list)->first;
    // A certificate is a SEQUENCE of more than 127 bytes: 30 8x, in base64 MI.
    const int status = count > 1 && bytes[0] == 0x30                     ? mbedtls_x509_crt_parse_der(first, bytes, count)
                       : count > 1 && bytes[0] == 'M' && bytes[1] == 'I' ? parse_base64(first, bytes, count)
                                                                         : parse_pem(first, bytes, count);
    if (status < 0) {
        return status;
    }
    int number = 0;
    for (const mbedtls_x509_crt *each = first; each != NULL && each->raw.p != NULL; each = each->next) {
        number += 1;
    }
    return number;
}

void cmbedtls_certificates_free(cmbedtls_certificates *list) {
    if (list != NULL) {
        mbedtls_x509_crt_free(&list->first);
        mbedtls_free(list);
    }
}

// MARK: Verification

static cmbedtls_ssl_date date_of(const mbedtls_x509_time *time) {
    const cmbedtls_ssl_date date = {time->year, time->mon, time->day, time->hour, time->min, time->sec};
    return date;
}

static int is_later(const cmbedtls_ssl_date *left, const cmbedtls_ssl_date *right) {
    if (left->year != right->year) return left->year > right->year;
    if (left->month != right->month) return left->month > right->month;
    if (left->day != right->day) return left->day > right->day;
    if (left->hour != right->hour) return left->hour > right->hour;
    if (left->minute != right->minute) return left->minute > right->minute;
    return left->second > right->second;
}

// Line 2.28 matches no addresses. Both lines keep every kind of name as it stands in the certificate.
static int has_address(const mbedtls_x509_crt *certificate, const uint8_t *address, size_t count) {
    const mbedtls_x509_sequence *name = &certificate->subject_alt_names;
    for (; name != NULL; name = name->next) {
        // iPAddress is the implicit tag 7 (RFC 5280, 4.2.1.6).
        if ((name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == 7 && name->buf.len == count
            && memcmp(name->buf.p, address, count) == 0) {
            return 1;
        }
    }
    return 0;
}

static void digest(uint8_t algorithm, const mbedtls_x509_buf *bytes, uint8_t *result, size_t size) {
    cmbedtls_hash hash;
    uint8_t whole[64];
    cmbedtls_hash_start(&hash, algorithm);
    cmbedtls_hash_update(&hash, bytes->p, bytes->len);
    cmbedtls_hash_finish(&hash, whole);
    memcpy(result, whole, size);
}

// Notes what mbedTLS found out about a certificate of the chain; the server's own comes last, with depth 0. The caller
// checks before the handshake goes on, so that nothing stands in its way here.
static int note(void *argument, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
    cmbedtls_ssl *ssl = argument;
    cmbedtls_ssl_facts *facts = depth == 0 ? &ssl->verdict.server : &ssl->verdict.issuers;
    const cmbedtls_ssl_date begin = date_of(&certificate->valid_from), end = date_of(&certificate->valid_to);

    // mbedTLS's own idea of the time is not asked: it may be compiled without one, or end in 2038.
    facts->flags |= *flags & ~(uint32_t) (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (is_later(&begin, &facts->begin)) {
        facts->begin = begin;
    }
    if (facts->end.year == 0 || is_later(&facts->end, &end)) {
        facts->end = end;
    }
    *flags = 0;
    if (depth == 0) {
        if (ssl->options.address != NULL) {
            ssl->verdict.names_host = has_address(certificate, ssl->options.address, ssl->options.address_count);
        } else {
            // A certificate without alternative names is matched by its common name, which RFC 9525 forbids.
            ssl->verdict.names_host = (certificate->ext_types & MBEDTLS_X509_EXT_SUBJECT_ALT_NAME) != 0
                                      && (facts->flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) == 0;
        }
        facts->flags &= ~(uint32_t) MBEDTLS_X509_BADCERT_CN_MISMATCH;
        digest(CMBEDTLS_SHA256, &certificate->raw, ssl->verdict.sha256, sizeof ssl->verdict.sha256);
        digest(CMBEDTLS_SHA512, &certificate->raw, ssl->verdict.sha512, sizeof ssl->verdict.sha512);
        ssl->has_certificate = 1;
    }
    return 0;
}

// MARK: The client's key

#if CMBEDTLS_SSL_IDENTITY

static int sign(cmbedtls_ssl *ssl, mbedtls_md_type_t md, const uint8_t *hash, size_t count, uint8_t *signature,
                size_t *size) {
    uint8_t algorithm = CMBEDTLS_SHA256;
    while (algorithm <= CMBEDTLS_SHA512 && cmbedtls_md(algorithm) != md) {
        algorithm += 1;
    }
    if (algorithm > CMBEDTLS_SHA512
        || ssl->options.sign(ssl->options.key, algorithm, hash, count, signature, ssl->options.signature_size, size)
               != 0) {
        ssl->key_failed = 1;
        return MBEDTLS_ERR_SSL_PRIVATE_KEY_REQUIRED;
    }
    return 0;
}

static int can_rsa(mbedtls_pk_type_t type) {
    return type == MBEDTLS_PK_RSA;
}

static int can_ecdsa(mbedtls_pk_type_t type) {
    return type == MBEDTLS_PK_ECDSA || type == MBEDTLS_PK_ECKEY;
}

static void free_nothing(void *context) {
    (void) context;
}

#if MBEDTLS_VERSION_NUMBER < 0x03000000
static size_t key_bits(const void *context) {
    return ((const cmbedtls_ssl *) context)->options.signature_size * 8;
}

static int sign_key(void *context, mbedtls_md_type_t md, const unsigned char *hash, size_t count,
                    unsigned char *signature, size_t *size, int (*random)(void *, unsigned char *, size_t),
                    void *random_context) {
    (void) random;
    (void) random_context;
    return sign(context, md, hash, count, signature, size);
}
#else
static size_t key_bits(mbedtls_pk_context *key) {
    return ((const cmbedtls_ssl *) key->pk_ctx)->options.signature_size * 8;
}

static int sign_key(mbedtls_pk_context *key, mbedtls_md_type_t md, const unsigned char *hash, size_t count,
                    unsigned char *signature, size_t capacity, size_t *size,
                    int (*random)(void *, unsigned char *, size_t), void *random_context) {
    cmbedtls_ssl *ssl = key->pk_ctx;
    (void) random;
    (void) random_context;
    if (capacity < ssl->options.signature_size) {
        return MBEDTLS_ERR_PK_BUFFER_TOO_SMALL;
    }
    return sign(ssl, md, hash, count, signature, size);
}
#endif

static const mbedtls_pk_info_t rsa_key = {
    .type = MBEDTLS_PK_RSA_ALT, .name = "RSA", .get_bitlen = key_bits, .can_do = can_rsa, .sign_func = sign_key,
    .ctx_free_func = free_nothing,
};

static const mbedtls_pk_info_t ec_key = {
    .type = MBEDTLS_PK_ECDSA, .name = "EC", .get_bitlen = key_bits, .can_do = can_ecdsa, .sign_func = sign_key,
    .ctx_free_func = free_nothing,
};

static int use_identity(cmbedtls_ssl *ssl) {
    ssl->key.pk_info = ssl->options.is_rsa ? &rsa_key : &ec_key;
    ssl->key.pk_ctx = ssl;
    return mbedtls_ssl_conf_own_cert(&ssl->config, &ssl->options.identity->first, &ssl->key);
}

#else

static int use_identity(cmbedtls_ssl *ssl) {
    (void) ssl;
    return MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE;
}

#endif

// MARK: Bytes

static int send_bytes(void *argument, const unsigned char *bytes, size_t count) {
    cmbedtls_ssl *ssl = argument;
    if (ssl->is_sent && bytes == ssl->outgoing && count == ssl->outgoing_count) {
        ssl->outgoing = NULL;
        return (int) count;
    }
    ssl->outgoing = bytes;
    ssl->outgoing_count = count;
    ssl->is_sent = 0;
    return MBEDTLS_ERR_SSL_WANT_WRITE;
}

static int receive_bytes(void *argument, unsigned char *bytes, size_t count) {
    cmbedtls_ssl *ssl = argument;
    const size_t received = ssl->received;
    if (received > 0) {
        ssl->received = 0;
        // It asks for the same again, or what came stands in another place.
        return bytes == ssl->incoming && received <= count ? (int) received : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    }
    ssl->incoming = bytes;
    ssl->incoming_count = count;
    return MBEDTLS_ERR_SSL_WANT_READ;
}

const uint8_t *cmbedtls_ssl_outgoing(const cmbedtls_ssl *ssl, size_t *count) {
    *count = ssl->outgoing_count;
    return ssl->is_sent ? NULL : ssl->outgoing;
}

void cmbedtls_ssl_sent(cmbedtls_ssl *ssl) {
    ssl->is_sent = 1;
}

uint8_t *cmbedtls_ssl_incoming(const cmbedtls_ssl *ssl, size_t *count) {
    *count = ssl->incoming_count;
    return ssl->incoming;
}

void cmbedtls_ssl_received(cmbedtls_ssl *ssl, size_t count) {
    ssl->received = count;
}

// Before a call of mbedTLS.
static void begin(cmbedtls_ssl *ssl, cmbedtls_generator *random) {
    ssl->random = random;
    if (ssl->received == 0) {
        ssl->incoming = NULL;
    }
}

// After it.
static int end(cmbedtls_ssl *ssl, int status) {
    ssl->random = NULL;
    switch (status) {
    case MBEDTLS_ERR_SSL_WANT_WRITE: return CMBEDTLS_SSL_SEND;
    case MBEDTLS_ERR_SSL_WANT_READ: return CMBEDTLS_SSL_RECEIVE;
    default: return status;
    }
}

// MARK: A connection

// One length holds for both directions (RFC 6066, 4). Handshake messages that are longer than a record are joined.
#if MBEDTLS_SSL_IN_CONTENT_LEN < MBEDTLS_SSL_OUT_CONTENT_LEN
#define RECORD_SIZE MBEDTLS_SSL_IN_CONTENT_LEN
#else
#define RECORD_SIZE MBEDTLS_SSL_OUT_CONTENT_LEN
#endif
#if RECORD_SIZE < 1024
#error "mbedTLS is configured with record buffers of less than 1 KiB, which no certificate goes through"
#endif

static int random_bytes(void *argument, unsigned char *bytes, size_t count) {
    cmbedtls_ssl *ssl = argument;
    return ssl->random == NULL ? MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED : cmbedtls_random(ssl->random, bytes, count);
}

static int configure(cmbedtls_ssl *ssl) {
    mbedtls_ssl_config *config = &ssl->config;
    int status = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                             MBEDTLS_SSL_PRESET_DEFAULT);
    if (status != 0) {
        return status;
    }
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_max_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_curves(config, groups);
    mbedtls_ssl_conf_sig_hashes(config, hashes);
#else
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_groups(config, groups);
    mbedtls_ssl_conf_sig_algs(config, signatures);
#endif
    mbedtls_ssl_conf_ciphersuites(config, suites);
    mbedtls_ssl_conf_cert_profile(config, &profile);
    mbedtls_ssl_conf_rng(config, random_bytes, ssl);
    // A list without a certificate trusts nobody; without a list mbedTLS would not verify at all.
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(config, ssl->options.anchors != NULL ? &ssl->options.anchors->first : &ssl->no_anchors,
                              NULL);
    mbedtls_ssl_conf_verify(config, note, ssl);
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
    mbedtls_ssl_conf_session_tickets(config, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#endif
#if defined(MBEDTLS_SSL_MAX_FRAGMENT_LENGTH) && RECORD_SIZE < 16384
    // The server is asked for records that fit.
    status = mbedtls_ssl_conf_max_frag_len(config, RECORD_SIZE >= 4096   ? MBEDTLS_SSL_MAX_FRAG_LEN_4096
                                                   : RECORD_SIZE >= 2048 ? MBEDTLS_SSL_MAX_FRAG_LEN_2048
                                                                         : MBEDTLS_SSL_MAX_FRAG_LEN_1024);
    if (status != 0) {
        return status;
    }
#endif
    if (ssl->options.identity != NULL && (status = use_identity(ssl)) != 0) {
        return status;
    }
    if ((status = mbedtls_ssl_setup(&ssl->context, config)) != 0) {
        return status;
    }
    if (ssl->options.name != NULL) {
        char name[256];
        if (ssl->options.name_count >= sizeof name) {
            return MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
        }
        memcpy(name, ssl->options.name, ssl->options.name_count);
        name[ssl->options.name_count] = 0;
        status = mbedtls_ssl_set_hostname(&ssl->context, name);
    } else {
        // Server Name Indication has no addresses (RFC 6066, 3).
        status = mbedtls_ssl_set_hostname(&ssl->context, NULL);
    }
    mbedtls_ssl_set_bio(&ssl->context, ssl, send_bytes, receive_bytes, NULL);
    return status;
}

cmbedtls_ssl *cmbedtls_ssl_open(const cmbedtls_ssl_options *options, int *status) {
    cmbedtls_ssl *ssl = mbedtls_calloc(1, sizeof *ssl);
    if (ssl == NULL) {
        *status = MBEDTLS_ERR_SSL_ALLOC_FAILED;
        return NULL;
    }
    ssl->options = *options;
    if (options->address != NULL && options->address_count <= sizeof ssl->address) {
        memcpy(ssl->address, options->address, options->address_count);
        ssl->options.address = ssl->address;
    }
    mbedtls_ssl_init(&ssl->context);
    mbedtls_ssl_config_init(&ssl->config);
    mbedtls_x509_crt_init(&ssl->no_anchors);
    *status = configure(ssl);
    // The name was lent for this call only.
    ssl->options.name = NULL;
    if (*status != 0) {
        cmbedtls_ssl_free(ssl);
        return NULL;
    }
    return ssl;
}

void cmbedtls_ssl_free(cmbedtls_ssl *ssl) {
    if (ssl == NULL) {
        return;
    }
    mbedtls_ssl_free(&ssl->context);
    mbedtls_ssl_config_free(&ssl->config);
    mbedtls_platform_zeroize(ssl, sizeof *ssl);
    mbedtls_free(ssl);
}

int cmbedtls_ssl_handshake(cmbedtls_ssl *ssl, cmbedtls_generator *random) {
    int status = 0;
    begin(ssl, random);
    while (status == 0 && ssl->context.state != MBEDTLS_SSL_HANDSHAKE_OVER) {
        if (ssl->has_certificate && !ssl->is_accepted) {
            return CMBEDTLS_SSL_VERIFY;
        }
        status = mbedtls_ssl_handshake_step(&ssl->context);
    }
    return end(ssl, status == 0 && !ssl->is_accepted ? MBEDTLS_ERR_SSL_INTERNAL_ERROR : status);
}

const cmbedtls_ssl_verdict *cmbedtls_ssl_certificate(const cmbedtls_ssl *ssl) {
    return ssl->has_certificate ? &ssl->verdict : NULL;
}

void cmbedtls_ssl_accept(cmbedtls_ssl *ssl) {
    ssl->is_accepted = 1;
}

int cmbedtls_ssl_refuse(cmbedtls_ssl *ssl, uint8_t alert) {
    begin(ssl, NULL);
    return end(ssl, mbedtls_ssl_send_alert_message(&ssl->context, MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert));
}

int cmbedtls_ssl_write(cmbedtls_ssl *ssl, cmbedtls_generator *random, const uint8_t *bytes, size_t count) {
    if (!ssl->is_accepted) {
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    }
    begin(ssl, random);
    return end(ssl, mbedtls_ssl_write(&ssl->context, bytes, count));
}

int cmbedtls_ssl_read(cmbedtls_ssl *ssl, cmbedtls_generator *random, uint8_t *bytes, size_t count) {
    if (!ssl->is_accepted) {
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    }
    begin(ssl, random);
    const int status = end(ssl, mbedtls_ssl_read(&ssl->context, bytes, count));
    // Of an empty record, which is allowed, mbedTLS says the same as of an end without close_notify, which
    // receive_bytes never reports.
    return status == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ? 0 : status == 0 ? CMBEDTLS_SSL_RECEIVE : status;
}

int cmbedtls_ssl_close_notify(cmbedtls_ssl *ssl) {
    begin(ssl, NULL);
    return end(ssl, mbedtls_ssl_close_notify(&ssl->context));
}

uint8_t cmbedtls_ssl_alert(const cmbedtls_ssl *ssl) {
    return ssl->context.in_msg[1];
}

int cmbedtls_ssl_phase(const cmbedtls_ssl *ssl) {
    const int state = ssl->context.state;
    if (state <= MBEDTLS_SSL_SERVER_HELLO) return CMBEDTLS_SSL_GREETING;
    if (state == MBEDTLS_SSL_SERVER_CERTIFICATE) return CMBEDTLS_SSL_CERTIFYING;
    if (state <= MBEDTLS_SSL_CLIENT_FINISHED) return CMBEDTLS_SSL_AGREEING;
    return state == MBEDTLS_SSL_HANDSHAKE_OVER ? CMBEDTLS_SSL_OPEN : CMBEDTLS_SSL_FINISHED;
}

uint32_t cmbedtls_ssl_flags(const cmbedtls_ssl *ssl) {
    return mbedtls_ssl_get_verify_result(&ssl->context);
}

int cmbedtls_ssl_key_failed(const cmbedtls_ssl *ssl) {
    return ssl->key_failed;
}
