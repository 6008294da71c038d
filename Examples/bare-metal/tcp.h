/* scep_transport over lwIP's own functions (NO_SYS), which are polled. */
#ifndef TCP_H
#define TCP_H
#include "scep.h"

/* Milliseconds since start-up. */
uint64_t uptime(void *context);

/* Starts lwIP, and asks for an address. `seed`: unpredictable, for port numbers. */
void network_start(uint32_t seed);

extern const scep_transport network_transport;

#endif
