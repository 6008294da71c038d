/* network.h over lwIP's sockets. */
#include "network.h"

#include "FreeRTOS.h"
#include "board.h"
#include "lwip/api.h"
#include "lwip/dhcp.h"
#include "lwip/sockets.h"
#include "lwip/tcpip.h"
#include "task.h"

/* lwIP's: one task has sockets. */
int errno;

static struct netif interface;
static struct dhcp lease;
static uint32_t random_state;

/* lwIP's random numbers: they make blind injection harder, and nothing rests on them. */
uint32_t networkRandom(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* The driver polls; a board with an interrupt waits for that here. */
_Noreturn static void drive(void *context) {
    (void)context;
    for (;;) {
        while (ethernet_poll(&interface)) {
        }
        vTaskDelay(1);
    }
}

static void bring_up(void *context) {
    (void)context;
    netif_add(&interface, NULL, NULL, NULL, NULL, ethernet_start, tcpip_input);
    netif_set_default(&interface);
    netif_set_up(&interface);
    dhcp_set_struct(&interface, &lease);
    dhcp_start(&interface);
    static StackType_t stack[160];
    static StaticTask_t task;
    xTaskCreateStatic(drive, "ethernet", sizeof stack / sizeof *stack, NULL, TCPIP_THREAD_PRIO, stack, &task);
}

void network_start(uint32_t seed) {
    random_state = seed | 1;
    tcpip_init(bring_up, NULL);
}

/* ------------------------------------------------------------------------------------------------ one socket */

static int number = -1;

static void close_socket(void *context) {
    (void)context;
    if (number >= 0) {
        lwip_close(number);
    }
    number = -1;
}

/* Waits until the socket can be written to, or read from. Returns 0, or SCEP_TIMED_OUT. */
static int wait_for(int is_write, uint64_t deadline) {
    const uint64_t now = uptime(NULL);
    if (now >= deadline) {
        return SCEP_TIMED_OUT;
    }
    const uint64_t rest = deadline - now;
    struct timeval time = {(long)(rest / 1000), (long)(rest % 1000 * 1000)};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(number, &set);
    const int count = lwip_select(number + 1, is_write ? NULL : &set, is_write ? &set : NULL, NULL, &time);
    return count > 0 ? 0 : SCEP_TIMED_OUT;
}

static int connect_socket(void *context, const char *host, uint16_t port, int is_https, uint64_t deadline) {
    if (is_https) {
        return SCEP_UNREACHABLE;
    }
    close_socket(context);
    while (!dhcp_supplied_address(&interface)) {
        if (uptime(NULL) >= deadline) {
            return SCEP_NO_ADDRESS;
        }
        vTaskDelay(10);
    }
    ip_addr_t found;
    if (netconn_gethostbyname(host, &found) != ERR_OK) {
        return SCEP_NAME_UNKNOWN;
    }
    number = lwip_socket(AF_INET, SOCK_STREAM, 0);
    if (number < 0) {
        return SCEP_EXHAUSTED;
    }
    lwip_fcntl(number, F_SETFL, O_NONBLOCK);
    struct sockaddr_in address = {.sin_len = sizeof address, .sin_family = AF_INET, .sin_port = lwip_htons(port)};
    inet_addr_from_ip4addr(&address.sin_addr, ip_2_ip4(&found));
    lwip_connect(number, (const struct sockaddr *)&address, sizeof address);
    if (wait_for(1, deadline) != 0) {
        return SCEP_TIMED_OUT;
    }
    int error;
    socklen_t size = sizeof error;
    lwip_getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? 0 : error == ECONNRESET ? SCEP_CONNECTION_REFUSED : SCEP_UNREACHABLE;
}

static int send_all(void *context, const uint8_t *bytes, size_t size, uint64_t deadline) {
    (void)context;
    while (size > 0) {
        const int count = (int)lwip_send(number, bytes, size, MSG_DONTWAIT);
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
        } else if (errno != EWOULDBLOCK) {
            return SCEP_RESET;
        } else if (wait_for(1, deadline) != 0) {
            return SCEP_TIMED_OUT;
        }
    }
    return 0;
}

static int receive_some(void *context, uint8_t *bytes, size_t size, uint64_t deadline) {
    (void)context;
    if (wait_for(0, deadline) != 0) {
        return SCEP_TIMED_OUT;
    }
    const int count = (int)lwip_recv(number, bytes, size, 0);
    return count >= 0 ? count : SCEP_RESET;
}

const scep_transport network_transport = {
    .connect = connect_socket, .send = send_all, .receive = receive_some, .close = close_socket,
};
