/* scep_transport over lwIP's sockets. */
#ifndef NETWORK_H
#define NETWORK_H
#include "scep.h"

/* Milliseconds since start-up. */
uint64_t uptime(void *context);

/* Starts lwIP's task and the driver's, and asks for an address. `seed`: unpredictable, for port numbers. */
void network_start(uint32_t seed);

extern const scep_transport network_transport;

#endif
