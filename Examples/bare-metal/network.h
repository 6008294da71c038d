/* A byte stream to the CA over lwIP: with its own functions in tcp.c, with sockets in the example on FreeRTOS. */
#ifndef NETWORK_H
#define NETWORK_H
#include "scep.h"

/* Milliseconds since start-up. */
uint64_t uptime(void *context);

/* Starts lwIP, and asks for an address. `seed`: unpredictable, for port numbers. */
void network_start(uint32_t seed);

extern const scep_transport network_transport;

#endif
