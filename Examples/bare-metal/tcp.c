/* network.h over lwIP without an operating system (NO_SYS): polled, by its own functions. */
#include "network.h"

#include <string.h>

#include "board.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/init.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

static struct netif interface;
static struct dhcp lease;
static uint32_t random_state;

/* lwIP's clock, and its random numbers: they make blind injection harder, and nothing rests on them. */
u32_t sys_now(void) { return (u32_t)uptime(NULL); }

uint32_t networkRandom(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

void network_start(uint32_t seed) {
    random_state = seed | 1;
    lwip_init();
    netif_add(&interface, NULL, NULL, NULL, NULL, ethernet_start, ethernet_input);
    netif_set_default(&interface);
    netif_set_up(&interface);
    dhcp_set_struct(&interface, &lease);
    dhcp_start(&interface);
}

/* Lets lwIP work until `condition` holds. Returns whether it does by the deadline. */
static int wait_until(int (*condition)(void), uint64_t deadline) {
    for (;;) {
        /* Bounded, so that a flood of frames cannot hold up a deadline. */
        int turns = 8;
        while (turns > 0 && ethernet_poll(&interface)) {
            turns--;
        }
        sys_check_timeouts();
        if (condition()) {
            return 1;
        }
        if (uptime(NULL) >= deadline) {
            return 0;
        }
        if (turns == 8) {
            __asm volatile("wfi" ::: "memory");
        }
    }
}

/* ------------------------------------------------------------------------------------------------ one connection */

static struct {
    struct tcp_pcb *pcb;
    /* What has arrived and was not taken, and what of its first buffer was. */
    struct pbuf *chain;
    u16_t taken;
    size_t unacknowledged;
    int is_open, has_ended, failure;
} stream;

static err_t on_receive(void *context, struct tcp_pcb *pcb, struct pbuf *bytes, err_t error) {
    (void)context, (void)pcb, (void)error;
    if (bytes == NULL) {
        stream.has_ended = 1;
    } else if (stream.chain == NULL) {
        stream.chain = bytes;
        stream.taken = 0;
    } else {
        pbuf_cat(stream.chain, bytes);
    }
    return ERR_OK;
}

static err_t on_sent(void *context, struct tcp_pcb *pcb, u16_t count) {
    (void)context, (void)pcb;
    stream.unacknowledged -= count;
    return ERR_OK;
}

/* lwIP has freed the control block already. */
static void on_error(void *context, err_t error) {
    (void)context;
    stream.pcb = NULL;
    stream.failure = error == ERR_ABRT ? SCEP_TIMED_OUT : SCEP_RESET;
}

static err_t on_connect(void *context, struct tcp_pcb *pcb, err_t error) {
    (void)context, (void)pcb, (void)error;
    stream.is_open = 1;
    return ERR_OK;
}

/* Ends it: in order, or at once, where lwIP must not read the caller's bytes any more. */
static void end(int in_order) {
    struct tcp_pcb *const pcb = stream.pcb;
    if (stream.chain != NULL) {
        pbuf_free(stream.chain);
    }
    stream.chain = NULL;
    stream.pcb = NULL;
    if (pcb == NULL) {
        return;
    }
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    if (!in_order || tcp_close(pcb) != ERR_OK) {
        tcp_abort(pcb);
    }
}

static void close_stream(void *context) {
    (void)context;
    end(1);
}

/* ------------------------------------------------------------------------------------------------ connect */

static struct {
    int is_done;
    ip_addr_t address;
} lookup;

static void on_found(const char *name, const ip_addr_t *address, void *context) {
    (void)name, (void)context;
    lookup.is_done = address != NULL ? 1 : -1;
    if (address != NULL) {
        lookup.address = *address;
    }
}

static int has_address(void) { return dhcp_supplied_address(&interface); }
static int is_found(void) { return lookup.is_done != 0; }
static int is_decided(void) { return stream.is_open || stream.failure != 0; }

static int connect_stream(void *context, const char *host, uint16_t port, int is_https, uint64_t deadline) {
    (void)context;
    if (is_https) {
        return SCEP_UNREACHABLE;
    }
    end(1);
    if (!wait_until(has_address, deadline)) {
        return SCEP_NO_ADDRESS;
    }
    lookup.is_done = 0;
    const err_t looked_up = dns_gethostbyname(host, &lookup.address, on_found, NULL);
    if (looked_up != ERR_OK && (looked_up != ERR_INPROGRESS || !wait_until(is_found, deadline) || lookup.is_done < 0)) {
        return SCEP_NAME_UNKNOWN;
    }
    struct tcp_pcb *const pcb = tcp_new();
    if (pcb == NULL) {
        return SCEP_EXHAUSTED;
    }
    memset(&stream, 0, sizeof stream);
    stream.pcb = pcb;
    tcp_recv(pcb, on_receive);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    if (tcp_connect(pcb, &lookup.address, port, on_connect) != ERR_OK) {
        end(0);
        return SCEP_EXHAUSTED;
    }
    if (!wait_until(is_decided, deadline)) {
        end(1);
        return SCEP_TIMED_OUT;
    }
    return stream.failure == SCEP_RESET ? SCEP_CONNECTION_REFUSED : stream.failure;
}

/* ------------------------------------------------------------------------------------------------ send and receive */

static size_t unacknowledged_before;

static int is_moving(void) { return stream.unacknowledged < unacknowledged_before || stream.failure != 0; }

/* lwIP refers to the caller's bytes and copies none, so that all have to be acknowledged, or the stream gone, before this returns. */
static int send_stream(void *context, const uint8_t *bytes, size_t size, uint64_t deadline) {
    (void)context;
    for (;;) {
        if (stream.failure != 0 || stream.pcb == NULL) {
            return stream.failure != 0 ? stream.failure : SCEP_RESET;
        }
        size_t part = size < tcp_sndbuf(stream.pcb) ? size : tcp_sndbuf(stream.pcb);
        part = part < 2 * TCP_MSS ? part : 2 * TCP_MSS;
        if (part > 0 && tcp_sndqueuelen(stream.pcb) < TCP_SND_QUEUELEN - 4) {
            const err_t error = tcp_write(stream.pcb, bytes, (u16_t)part, part < size ? TCP_WRITE_FLAG_MORE : 0);
            if (error == ERR_OK) {
                bytes += part;
                size -= part;
                stream.unacknowledged += part;
            } else if (error != ERR_MEM) {
                end(0);
                return SCEP_RESET;
            }
            tcp_output(stream.pcb);
        }
        unacknowledged_before = stream.unacknowledged;
        if (size == 0 && unacknowledged_before == 0) {
            return 0;
        }
        /* With nothing under way it is memory that lacks, and no acknowledgement will tell of it. */
        if (!wait_until(is_moving, unacknowledged_before > 0 ? deadline : uptime(NULL) + 10) && uptime(NULL) >= deadline) {
            end(0);
            return SCEP_TIMED_OUT;
        }
    }
}

static int is_there(void) {
    return stream.chain != NULL || stream.has_ended || stream.failure != 0 || stream.pcb == NULL;
}

static int receive_stream(void *context, uint8_t *bytes, size_t size, uint64_t deadline) {
    (void)context;
    const int is_known = wait_until(is_there, deadline);
    if (stream.chain == NULL) {
        return stream.failure != 0 ? stream.failure : stream.has_ended ? 0 : is_known ? SCEP_RESET : SCEP_TIMED_OUT;
    }
    const u16_t count = pbuf_copy_partial(stream.chain, bytes, (u16_t)(size < 0xFFFF ? size : 0xFFFF), stream.taken);
    /* Whole buffers that were read go back, so that the far side can go on. */
    stream.taken = (u16_t)(stream.taken + count);
    while (stream.chain != NULL && stream.taken >= stream.chain->len) {
        struct pbuf *const first = stream.chain;
        stream.taken = (u16_t)(stream.taken - first->len);
        stream.chain = first->next;
        if (stream.chain != NULL) {
            pbuf_ref(stream.chain);
        }
        pbuf_free(first);
    }
    if (stream.pcb != NULL) {
        tcp_recved(stream.pcb, count);
    }
    return count;
}

const scep_transport network_transport = {
    .connect = connect_stream, .send = send_stream, .receive = receive_stream, .close = close_stream,
};
