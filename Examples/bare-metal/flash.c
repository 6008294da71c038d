/* QEMU forgets the part's own flash with the power, so that the file flash.bin in its working folder stands for it, under the rules of
 * NOR flash: words of 4 bytes that are programmed once, sectors of 1 KiB. A real board has its driver here. */
#include <string.h>

#include "board.h"
#include "flash.h"
#include "mbedtls/platform_util.h"
#include "mbedtls/sha256.h"

#define SECTOR 1024
#define SEED 0x0000u
#define RECORD 0x0800u
#define IDENTITY 0x1000u

static uint32_t file;

/* SYS_SEEK, then SYS_READ or SYS_WRITE, which return the bytes that they did not come to. */
static int move(uint32_t operation, uint32_t offset, const void *bytes, size_t size) {
    const uint32_t place[] = {file, offset}, block[] = {file, (uint32_t)(uintptr_t)bytes, size};
    return board_semihosting(0x0A, place) != 0 || board_semihosting(operation, block) != 0;
}

static int read_at(uint32_t offset, void *bytes, size_t size) { return move(0x06, offset, bytes, size); }

static int write_at(uint32_t offset, const void *bytes, size_t size) { return move(0x05, offset, bytes, size); }

static int erase_at(uint32_t offset) {
    uint8_t blank[64];
    memset(blank, 0xFF, sizeof blank);
    for (uint32_t end = offset + SECTOR; offset < end; offset += sizeof blank) {
        if (write_at(offset, blank, sizeof blank) != 0) {
            return -1;
        }
    }
    return 0;
}

int flash_open(void) {
    /* SYS_OPEN, for reading and writing what is there; SYS_FLEN. */
    static const char name[] = "flash.bin";
    const uint32_t block[] = {(uint32_t)(uintptr_t)name, 3, sizeof name - 1};
    file = (uint32_t)board_semihosting(0x01, block);
    return file == UINT32_MAX || board_semihosting(0x0C, &file) != 64 * SECTOR;
}

/* ------------------------------------------------------------------------------------------------ the agent's partition */

static int read_identity(void *context, uint32_t offset, uint8_t *bytes, size_t size) {
    (void)context;
    return read_at(IDENTITY + offset, bytes, size);
}

static int program_identity(void *context, uint32_t offset, const uint8_t *bytes, size_t size) {
    (void)context;
    for (size_t done = 0; done < size; done += 4) {
        uint32_t word;
        if (read_at(IDENTITY + offset + done, &word, 4) != 0 || word != UINT32_MAX) {
            return -1;
        }
    }
    return write_at(IDENTITY + offset, bytes, size);
}

static int erase_identity(void *context, uint32_t sector) {
    (void)context;
    return erase_at(IDENTITY + sector * SECTOR);
}

const scep_flash flash_identity = {
    .page_size = 4, .sector_size = SECTOR, .sector_count = 60, .erased_value = 0xFF,
    .read = read_identity, .program = program_identity, .erase = erase_identity,
};

/* ------------------------------------------------------------------------------------------------ what the factory wrote */

static uint32_t crc32(const void *bytes, size_t size) {
    uint32_t sum = UINT32_MAX;
    for (const uint8_t *byte = bytes; size-- > 0; byte++) {
        sum ^= *byte;
        for (int bit = 0; bit < 8; bit++) {
            sum = sum & 1 ? sum >> 1 ^ 0xEDB88320u : sum >> 1;
        }
    }
    return ~sum;
}

/* "SCEP", the text's length, the text, its CRC-32. */
size_t flash_configuration(char *text, size_t capacity) {
    uint32_t header[2], sum;
    if (read_at(RECORD, header, sizeof header) != 0 || header[0] != 0x50454353 || header[1] > capacity ||
        read_at(RECORD + 8, text, header[1]) != 0 || read_at(RECORD + 8 + header[1], &sum, 4) != 0 ||
        sum != crc32(text, header[1])) {
        return 0;
    }
    return header[1];
}

/* One of two sectors, of which the one with the higher counter counts. */
struct secret {
    char mark[4];
    uint32_t counter;
    uint8_t bytes[64];
    uint32_t sum;
};

static void derive(uint8_t purpose, const struct secret *secret, uint8_t *bytes, size_t size) {
    for (uint32_t block = 0; size > 0; block++) {
        const uint8_t prefix[5] = {purpose, (uint8_t)block, (uint8_t)(block >> 8), 0, 0};
        uint8_t digest[32];
        mbedtls_sha256_context hash;
        mbedtls_sha256_init(&hash);
        mbedtls_sha256_starts(&hash, 0);
        mbedtls_sha256_update(&hash, prefix, sizeof prefix);
        mbedtls_sha256_update(&hash, (const uint8_t *)secret, sizeof *secret);
        mbedtls_sha256_finish(&hash, digest);
        mbedtls_sha256_free(&hash);
        const size_t part = size < sizeof digest ? size : sizeof digest;
        memcpy(bytes, digest, part);
        mbedtls_platform_zeroize(digest, sizeof digest);
        bytes += part;
        size -= part;
    }
}

/* Writes the secret's successor beside it, makes sure of that, and erases the secret. */
static int advance(const struct secret *secret, uint32_t sector, struct secret *next) {
    struct secret written;
    *next = *secret;
    next->counter++;
    derive(0, secret, next->bytes, sizeof next->bytes);
    next->sum = crc32(next, offsetof(struct secret, sum));
    const uint32_t other = SEED + (1 - sector) * SECTOR;
    const int failed = erase_at(other) != 0 || write_at(other, next, sizeof *next) != 0 ||
                       read_at(other, &written, sizeof written) != 0 || memcmp(&written, next, sizeof written) != 0 ||
                       erase_at(SEED + sector * SECTOR) != 0;
    mbedtls_platform_zeroize(&written, sizeof written);
    return failed;
}

int flash_entropy(void *context, uint8_t *seed, size_t size) {
    (void)context;
    struct secret secrets[2], next;
    int found = -1;
    for (int sector = 0; sector < 2; sector++) {
        struct secret *const secret = &secrets[sector];
        if (read_at(SEED + (uint32_t)sector * SECTOR, secret, sizeof *secret) == 0 && memcmp(secret->mark, "SEED", 4) == 0 &&
            secret->sum == crc32(secret, offsetof(struct secret, sum)) && secret->counter < UINT32_MAX &&
            (found < 0 || secret->counter > secrets[found].counter)) {
            found = sector;
        }
    }
    const int failed = found < 0 || advance(&secrets[found], (uint32_t)found, &next) != 0;
    if (!failed) {
        derive(1, &secrets[found], seed, size);
    }
    mbedtls_platform_zeroize(secrets, sizeof secrets);
    mbedtls_platform_zeroize(&next, sizeof next);
    return failed;
}
