/* EmbeddedSCEP for C: a device obtains and renews its X.509 certificate by itself, through SCEP (RFC 8894).
 *
 * There is no heap, no thread and no global state here. Whoever calls lends one block of memory for the agent and one buffer
 * for messages, and gives functions for what a board has: a clock, storage, randomness, and a way to the CA.
 *
 *     static scep_agent agent;
 *     static uint8_t work[SCEP_WORK_SIZE];
 *
 *     if (scep_init(&agent, sizeof agent, &platform, text, strlen(text), work, sizeof work) == SCEP_OK)
 *         status = scep_attend(&agent, &transport);
 *
 * Two ways lead to a certificate. scep_attend does all of it, and calls the transport's functions. scep_step says what comes
 * next, one thing at a time, to a main loop that has its own HTTP client, or cannot block.
 *
 * Unless it says otherwise, a function is called from one thread at a time for each agent, never from an interrupt, and never
 * from a function that the agent calls. Sizes are in bytes. Pointers that are lent have to stay valid for as long as it says.
 * Every function checks what it is given as far as it can: NULL, or a call that does not belong here, is SCEP_USAGE, and changes
 * nothing; memory that scep_init gets is taken for empty, whatever is in it. An agent is not moved or copied after scep_init.
 * The compiler's enumerations are ints: gcc for Arm without an operating system needs -fno-short-enums. */
#ifndef SCEP_H
#define SCEP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What came of a call: 0, more than 0 for "later", less than 0 for an error. scep_error has the reason in words. */
typedef int32_t scep_status;

enum {
    /* Done; of a run: the certificate is stored, and nothing is due. */
    SCEP_OK = 0,
    /* It failed, and may succeed later with nothing changed: no network, a busy server. scep_next says when. */
    SCEP_AGAIN = 1,
    /* The CA has not decided; a person may have to approve. scep_next says when to ask again. */
    SCEP_PENDING = 2,

    /* The caller's mistake: NULL, an argument out of range, a call in the wrong order, an agent that was overwritten. */
    SCEP_USAGE = -1,
    /* A buffer of the caller's is too small. */
    SCEP_TOO_SMALL = -2,
    /* The configuration's text: scep_error names the line's name. */
    SCEP_CONFIGURATION = -3,
    /* No randomness: without it there is no key. */
    SCEP_ENTROPY = -4,
    /* The storage failed, is full or damaged; what the device had before, it has still. */
    SCEP_STORAGE = -5,
    /* A key could not be made or used. */
    SCEP_KEY = -6,
    /* The CA cannot be reached as it is configured, and will not be later. */
    SCEP_NETWORK = -7,
    /* What the CA sent is not trusted, is none of SCEP's, or does not fit here. */
    SCEP_REPLY = -8,
    /* The CA refuses the request, or has revoked the certificate. */
    SCEP_REFUSED = -9,
    /* There is no certificate yet. */
    SCEP_NONE = -10
};

/* Memory for an agent with 3,072 bytes for the certificates of the CA and of the next CA. */
#if UINTPTR_MAX > 0xFFFFFFFFu
#define SCEP_AGENT_SIZE 8192
#else
#define SCEP_AGENT_SIZE 7168
#endif

typedef union {
    uint64_t alignment;
    uint8_t bytes[SCEP_AGENT_SIZE];
} scep_agent;

/* The buffer for messages: enough for RSA-2048 and a CA of a few certificates. More is used where there is more. */
#define SCEP_WORK_SIZE 8192

/* What scep_error has to say, in ASCII, at most, with its 0. */
#define SCEP_TEXT_SIZE 512

/* ---------------------------------------------------------------------------------------------------- What a board has */

/* NOR flash: a sector is erased as a whole, erased pages are programmed once. Each function returns 0, or anything else if the
 * part failed. Offsets are from the start of the partition that is the agent's. Two banks at least have to fit: a bank holds
 * 12,288 bytes and the header, rounded up to sectors. */
typedef struct {
    void *context;
    /* The smallest unit that can be programmed: 1 to 256, a power of two. */
    uint32_t page_size;
    /* The smallest unit that can be erased: a multiple of page_size. */
    uint32_t sector_size;
    uint32_t sector_count;
    /* What an erased byte reads as: 0xFF on most parts. */
    uint8_t erased_value;
    int (*read)(void *context, uint32_t offset, uint8_t *bytes, size_t size);
    /* Offset and size are multiples of page_size. */
    int (*program)(void *context, uint32_t offset, const uint8_t *bytes, size_t size);
    int (*erase)(void *context, uint32_t sector);
} scep_flash;

/* In place of flash: what keeps one snapshot, which is replaced as a whole in one atomic step, such as a file of littlefs that
 * is written beside the old one and renamed. Each function returns 0, or anything else if it failed. */
typedef struct {
    void *context;
    /* Finds the current snapshot. *size is set to its size, and to 0 if there is none. */
    int (*open)(void *context, size_t *size);
    int (*read)(void *context, size_t offset, uint8_t *bytes, size_t size);
    /* Begins the next snapshot, of exactly `size` bytes; the current one stays what it is until `commit` has returned. */
    int (*begin)(void *context, size_t size);
    int (*append)(void *context, const uint8_t *bytes, size_t size);
    int (*commit)(void *context);
} scep_snapshots;

typedef enum { SCEP_RSA_2048 = 0, SCEP_RSA_3072 = 1, SCEP_RSA_4096 = 2, SCEP_P256 = 3, SCEP_P384 = 4 } scep_key_type;
typedef enum { SCEP_SHA1 = 0, SCEP_SHA256 = 1, SCEP_SHA384 = 2, SCEP_SHA512 = 3 } scep_digest;

/* Bytes of a reference to a key in a secure element, at most. */
#define SCEP_KEY_REFERENCE_SIZE 64

/* Keys that this processor cannot read: in a secure element. Each enrolment and each renewal with a new key makes one; which are
 * not needed any more the agent does not say yet, so an element's slots are the caller's to reckon with, and none may be made in
 * the place of one that may be in use. Each function returns 0, or anything else if it failed. `reference`
 * is whatever the element finds a key by; it is stored beside the certificate. */
typedef struct {
    void *context;
    /* Makes a key. *size is the reference's capacity, and is set to its size. */
    int (*generate)(void *context, scep_key_type type, uint8_t *reference, size_t *size);
    /* RSA: the modulus, big-endian, without leading zeros; the public exponent is 65537. EC: the point, 04 || X || Y.
     * *key_size is the capacity, and is set to the size. */
    int (*public_key)(void *context, const uint8_t *reference, size_t size, uint8_t *key, size_t *key_size);
    /* Signs a digest. RSA: RSASSA-PKCS1-v1_5 (RFC 8017, 8.2). EC: an Ecdsa-Sig-Value in DER (RFC 3279, 2.2.3). */
    int (*sign)(
        void *context, const uint8_t *reference, size_t size, scep_digest algorithm, const uint8_t *digest,
        size_t digest_size, uint8_t *signature, size_t *signature_size);
    /* Decrypts with RSA: RSAES-PKCS1-v1_5, or RSAES-OAEP with SHA-256 for the label and MGF1 when is_oaep is not 0. NULL for an
     * element that has EC keys alone. A failure may take no other time than success. */
    int (*decrypt)(
        void *context, const uint8_t *reference, size_t size, int is_oaep, const uint8_t *ciphertext,
        size_t ciphertext_size, uint8_t *plaintext, size_t *plaintext_size);
} scep_keys;

typedef enum {
    SCEP_OUTCOME_CURRENT = 0,
    SCEP_OUTCOME_ISSUED = 1,
    SCEP_OUTCOME_ISSUED_EARLY = 2,
    SCEP_OUTCOME_TAKEN_OVER = 3,
    SCEP_OUTCOME_PENDING = 4,
    SCEP_OUTCOME_NEXT_CA = 5,
    SCEP_OUTCOME_NOT_REVOKED = 6,
    SCEP_OUTCOME_KNOWN = 7,
    SCEP_OUTCOME_FAILED = 8,
    SCEP_OUTCOME_REFUSED = 9
} scep_outcome;

/* What happened, as Docs/Lifecycle.md has it. Its pointers are valid for the call that it is told with. */
typedef struct {
    scep_outcome outcome;
    /* The device's certificate in DER, which the outcome is about; NULL where it is about none. */
    const uint8_t *certificate;
    size_t certificate_size;
    /* 32 hexadecimal digits, without a 0 behind them; NULL where there was no transaction. */
    const char *transaction_id;
    /* The same as a line of text, without a 0: what fleet tools read. */
    const char *line;
    size_t line_size;
} scep_event;

/* What a board has. It is copied by scep_init; what it points at has to stay valid as long as the agent is used. */
typedef struct {
    /* Is handed to all functions below but those of flash, snapshots and keys, which have their own. */
    void *context;
    /* Milliseconds since start-up; never goes backwards. Required. */
    uint64_t (*uptime)(void *context);
    /* Seconds since 1970-01-01T00:00:00Z; 0 or less if the time is not known. NULL: it is never known. */
    int64_t (*time)(void *context);
    /* Waits. NULL: scep_attend does not wait, and returns SCEP_AGAIN or SCEP_PENDING in its place. */
    void (*sleep)(void *context, uint64_t milliseconds);
    /* Fills `seed` with bytes that nobody can predict, from a TRNG. Returns 0, or anything else if it failed. Required. */
    int (*entropy)(void *context, uint8_t *seed, size_t size);
    /* Feeds a watchdog: is called again and again while the agent computes. Between two calls no more time passes than one operation
     * with the private key takes: some 300 million cycles of a Cortex-M3 with RSA-2048. Functions of the caller's that take their time, a
     * secure element's and a transport's, feed it themselves. It calls nothing of the agent. NULL: there is none. */
    void (*alive)(void *context);
    /* Takes a line of text for people, in UTF-8, without a line's end and without a 0. NULL: nobody listens. */
    void (*log)(void *context, const char *line, size_t size);
    /* Is told what happened. NULL: nobody listens. */
    void (*event)(void *context, const scep_event *event);
    /* One of both. */
    const scep_flash *flash;
    const scep_snapshots *snapshots;
    /* NULL: keys are made in memory, and stored with the certificate. */
    const scep_keys *keys;
} scep_platform;

/* ---------------------------------------------------------------------------------------------------- The agent */

/* Sets an agent up. Nothing is sent, and nothing is written.
 *
 *   agent, agent_size   memory of at least SCEP_AGENT_SIZE, aligned as uint64_t
 *   text, text_size     the configuration: lines `name=value`, as Sources/Agent/Configuration.swift lists them. Is lent as long as the agent is
 *                       used: it may lie in flash. It holds the password: the agent makes no copy.
 *   work, work_size     the buffer for messages; lent as long as the agent is used. Its content is the agent's.
 *
 * SCEP_OK; SCEP_USAGE; SCEP_TOO_SMALL for agent_size or work_size (512 at least); SCEP_CONFIGURATION; SCEP_ENTROPY. After an
 * error the agent is good for scep_error and scep_end alone, and after the first two for nothing. */
scep_status scep_init(
    scep_agent *agent, size_t agent_size, const scep_platform *platform, const char *text, size_t text_size,
    uint8_t *work, size_t work_size);

/* Wipes all secrets from the agent's memory and from the work buffer. The agent is good for nothing until scep_init. Harmless
 * twice. */
void scep_end(scep_agent *agent);

/* ---------------------------------------------------------------------------------------------------- All at once */

/* Why a transport's function failed. */
enum {
    /* This board has no address: no link, no DHCP. */
    SCEP_NO_ADDRESS = -1,
    /* DNS does not know the name. */
    SCEP_NAME_UNKNOWN = -2,
    SCEP_CONNECTION_REFUSED = -3,
    SCEP_UNREACHABLE = -4,
    /* The deadline passed. */
    SCEP_TIMED_OUT = -5,
    /* The stream broke. */
    SCEP_RESET = -6,
    /* No memory or no socket left. */
    SCEP_EXHAUSTED = -7
};

/* A byte stream to one far side at a time, such as TCP. `deadline` is in milliseconds of the board's uptime; each function
 * returns by then, with SCEP_TIMED_OUT. Anything below 0 that is not in the list counts as SCEP_RESET. */
typedef struct {
    void *context;
    /* Opens the stream. host: a DNS name, a dotted IPv4 address or an IPv6 address without brackets, in ASCII, with a 0 behind it.
     * is_https: TLS is wanted; a transport that has none returns SCEP_UNREACHABLE. Returns 0. */
    int (*connect)(void *context, const char *host, uint16_t port, int is_https, uint64_t deadline);
    /* Sends all of it. Returns 0. */
    int (*send)(void *context, const uint8_t *bytes, size_t size, uint64_t deadline);
    /* Waits for bytes, and stores as many as there are, at least one. Returns their number; 0 only when the far side has ended its
     * stream. More than `size` counts as SCEP_RESET. */
    int (*receive)(void *context, uint8_t *bytes, size_t size, uint64_t deadline);
    /* Ends the stream; harmless when none is open. */
    void (*close)(void *context);
} scep_transport;

/* Obtains the certificate, or renews it if that is due, or goes on with what was under way when the power went. Blocks until
 * nothing is due, or what is due cannot be done now. Takes seconds with P-256 and minutes where an RSA key is made. */
scep_status scep_attend(scep_agent *agent, const scep_transport *transport);

/* ---------------------------------------------------------------------------------------------------- Step by step */

typedef enum {
    /* Nothing is due; scep_next says when something will be. */
    SCEP_READY = 0,
    /* Send the request, then call scep_reply, scep_receive or scep_no_reply. */
    SCEP_SEND = 1,
    /* Call scep_go_on: a key is made, or a part of one, and scep_step wants the same until there is all of it. Some seventy parts make an
     * RSA-2048 key, each of at most half of an operation with it. */
    SCEP_MAKE_KEY = 2,
    /* Call scep_go_on: storage is written. */
    SCEP_STORE = 3,
    /* Call scep_step again after so many milliseconds. The power may go off meanwhile. */
    SCEP_SLEEP = 4
} scep_task;

/* What scep_step wants done. Pointers are valid until the next call. */
typedef struct {
    scep_task task;
    /* SCEP_SLEEP */
    uint64_t milliseconds;
    /* SCEP_SEND: GET, or POST if there is a body, of the configuration's URL with scep_target's query. */
    int is_post;
    /* As `application/x-pki-message`; lies in the work buffer. */
    const uint8_t *body;
    size_t body_size;
    /* Bytes of scep_target's result, without the 0, and of scep_head's. */
    size_t target_size, head_size;
    /* The URL's parts: is 0 or 1; not ended by a 0; in host byte order. */
    int is_https;
    const char *host;
    size_t host_size;
    uint16_t port;
} scep_want;

/* Says what comes next. Errors end the run: the next call begins another. */
scep_status scep_step(scep_agent *agent, scep_want *want);

/* Makes the key or a part of it, or writes the storage, as scep_step wanted. */
scep_status scep_go_on(scep_agent *agent);

/* Writes path and query of the request that scep_step wants sent, with a 0 behind it: `/scep?operation=GetCACaps`.
 *
 * SCEP_OK; SCEP_TOO_SMALL if size is not above target_size; SCEP_USAGE if nothing is to be sent. */
scep_status scep_target(scep_agent *agent, char *target, size_t size);

/* A reply by an HTTP client of one's own, which follows no redirect. */
typedef struct {
    /* 200 to 999 */
    uint16_t status;
    /* The fields Content-Type and Date, each ended by a 0; NULL if there is none. */
    const char *content_type;
    const char *date;
    /* May lie in the work buffer, as the fields may, once the request was sent. One byte less than the work buffer at most. */
    const uint8_t *body;
    size_t body_size;
} scep_http_reply;

/* Hands over the reply. SCEP_OK: go on with scep_step, also after a reply that was no good and is tried again. */
scep_status scep_reply(scep_agent *agent, const scep_http_reply *reply);

/* In place of an HTTP client, a stream of bytes such as a modem's: writes the head of the request that scep_step wants sent, as HTTP/1.0
 * has it. Behind it goes the body, if there is one, and the far side ends the stream behind its reply.
 *
 * SCEP_OK; SCEP_TOO_SMALL if size is below head_size; SCEP_USAGE if nothing is to be sent. */
scep_status scep_head(scep_agent *agent, uint8_t *head, size_t size);

/* Hands over what came of the reply on that stream, in pieces of any size; 0 bytes when the far side has ended it. They do not lie in the
 * work buffer, in which the reply is put together, and the request's body is gone with the first of them.
 *
 * SCEP_AGAIN: more is wanted. SCEP_OK: the reply is whole, or no good, as after scep_reply: go on with scep_step. */
scep_status scep_receive(scep_agent *agent, const uint8_t *bytes, size_t size);

/* Says that there was none, or not all of one, and why: one of a transport's reasons. SCEP_OK: go on with scep_step. */
scep_status scep_no_reply(scep_agent *agent, int reason);

/* ---------------------------------------------------------------------------------------------------- What there is */

/* Copies the device's certificate, in DER. The buffer is not NULL; *size is its size, and is set to the certificate's, also when that is
 * SCEP_TOO_SMALL. SCEP_NONE if there is none. Reads the storage. */
scep_status scep_certificate(scep_agent *agent, uint8_t *certificate, size_t *size);

/* The same for the certificates of the CA that issued it, in DER, one behind the other. */
scep_status scep_chain(scep_agent *agent, uint8_t *certificates, size_t *size);

/* Signs a digest with the certificate's key, as TLS 1.2 and CMS have it: RSASSA-PKCS1-v1_5, or ECDSA in DER. *signature_size is
 * the buffer's size, and is set to the signature's: 512 is always enough. SCEP_NONE if there is no certificate; SCEP_TOO_SMALL. */
scep_status scep_sign(
    scep_agent *agent, scep_digest algorithm, const uint8_t *digest, size_t digest_size, uint8_t *signature,
    size_t *signature_size);

typedef enum {
    SCEP_NEXT_NOTHING = 0,
    SCEP_NEXT_POLL = 1,
    SCEP_NEXT_RETRY = 2,
    SCEP_NEXT_RENEW = 3,
    SCEP_NEXT_CA = 4,
    SCEP_NEXT_TAKE_OVER = 5
} scep_action;

typedef struct {
    scep_action action;
    /* POLL, RETRY: in so many seconds. */
    int64_t seconds;
    /* The others: seconds since 1970, which may be past. */
    int64_t time;
} scep_next_action;

/* Says what the agent will do next, and when, as of now. SCEP_NEXT_NOTHING: when the caller likes. */
scep_status scep_next(scep_agent *agent, scep_next_action *next);

/* The reason of the last call that returned something else than SCEP_OK: `kind: what happened; what to do`, in ASCII, with a 0
 * behind it, cut if it does not fit. `kind` is what programs act upon; Sources/Agent/ErrorTable.swift lists them.
 *
 * Returns the bytes written, without the 0; 0 if there is nothing to say. */
size_t scep_error(const scep_agent *agent, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
