/* The Ethernet controller (chapter 15), polled. Its FIFOs hold words, and two bytes of length in front of each frame, in the place
 * of lwIP's padding (ETH_PAD_SIZE). */
#include <string.h>

#include "board.h"
#include "lwip/etharp.h"
#include "netif/ethernet.h"

#define INTERRUPT_STATUS REGISTER(0x40048000)
#define INTERRUPT_MASK REGISTER(0x40048004)
#define RECEIVE_CONTROL REGISTER(0x40048008)
#define TRANSMIT_CONTROL REGISTER(0x4004800C)
#define DATA REGISTER(0x40048010)
#define ADDRESS_0 REGISTER(0x40048014)
#define ADDRESS_1 REGISTER(0x40048018)
#define THRESHOLD REGISTER(0x4004801C)
#define PACKETS REGISTER(0x40048034)
#define TRANSMISSION REGISTER(0x40048038)

#define RECEIVE_ENABLE (1u << 0)
#define REJECT_BAD_CRC (1u << 3)
#define RESET_FIFO (1u << 4)

static err_t send(struct netif *interface, struct pbuf *frame) {
    (void)interface;
    /* The frame before this one leaves at 10 Mbit/s or more: 1.3 ms. */
    for (int turn = 0; TRANSMISSION & 1; turn++) {
        if (turn == 100000) {
            return ERR_TIMEOUT;
        }
    }
    /* The length counts neither itself nor the header of the frame. */
    uint8_t *const padding = frame->payload;
    padding[0] = (uint8_t)(frame->tot_len - 16);
    padding[1] = (uint8_t)((frame->tot_len - 16) >> 8);
    uint32_t word = 0;
    unsigned filled = 0;
    for (const struct pbuf *part = frame; part != NULL; part = part->next) {
        const uint8_t *bytes = part->payload;
        for (u16_t index = 0; index < part->len; index++) {
            word |= (uint32_t)bytes[index] << 8 * filled;
            if (++filled == 4) {
                DATA = word;
                word = filled = 0;
            }
        }
    }
    if (filled > 0) {
        DATA = word;
    }
    TRANSMISSION = 1;
    return ERR_OK;
}

err_t ethernet_start(struct netif *interface) {
    /* The address that the maker wrote into the user registers (6.3.2): three bytes in each. */
    const uint32_t low = REGISTER(0x400FE1E0) & 0xFFFFFF, high = REGISTER(0x400FE1E4) & 0xFFFFFF;
    for (int index = 0; index < 3; index++) {
        interface->hwaddr[index] = (uint8_t)(low >> 8 * index);
        interface->hwaddr[3 + index] = (uint8_t)(high >> 8 * index);
    }
    interface->hwaddr_len = 6;
    interface->mtu = 1500;
    interface->name[0] = 'e';
    interface->name[1] = 'n';
    interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    interface->output = etharp_output;
    interface->linkoutput = send;

    /* The LEDs of the socket, on PF2 and PF3. */
    REGISTER(0x40025420) |= 0xC;
    REGISTER(0x4002551C) |= 0xC;
    INTERRUPT_MASK = 0;
    INTERRUPT_STATUS = INTERRUPT_STATUS;
    RECEIVE_CONTROL = RESET_FIFO;
    RECEIVE_CONTROL = REJECT_BAD_CRC;
    ADDRESS_0 = low | high << 24;
    ADDRESS_1 = high >> 8;
    /* Send only when asked to, not at a fill level; full duplex, checksum and padding by the controller. */
    THRESHOLD = 0x3F;
    TRANSMIT_CONTROL = 1u << 4 | 1u << 2 | 1u << 1 | 1u;
    RECEIVE_CONTROL = REJECT_BAD_CRC | RECEIVE_ENABLE;
    return ERR_OK;
}

int ethernet_poll(struct netif *interface) {
    if ((PACKETS & 0x3F) == 0) {
        return 0;
    }
    /* Two bytes of length, which count themselves, the frame, and four of checksum. */
    uint32_t word = DATA;
    const uint32_t length = word & 0xFFFF;
    if (length < 6 + 14 || length > 6 + 1518) {
        /* The FIFO is out of step. */
        RECEIVE_CONTROL = REJECT_BAD_CRC | RESET_FIFO;
        RECEIVE_CONTROL = REJECT_BAD_CRC | RECEIVE_ENABLE;
        return 0;
    }
    /* A frame for which there is no buffer is dropped, as a network may drop any. */
    struct pbuf *const frame = pbuf_alloc(PBUF_RAW, (u16_t)(length - 4), PBUF_POOL);
    for (uint32_t offset = 0; offset < length; offset += 4) {
        if (offset > 0) {
            word = DATA;
        }
        if (frame != NULL && offset < length - 4) {
            const uint32_t count = length - 4 - offset;
            pbuf_take_at(frame, &word, (u16_t)(count < 4 ? count : 4), (u16_t)offset);
        }
    }
    if (frame != NULL && interface->input(frame, interface) != ERR_OK) {
        pbuf_free(frame);
    }
    return 1;
}
