/// lwIP's raw interface, as Swift imports it. The headers come with the -I option that `build` gives.
#ifndef CLWIP_H
#define CLWIP_H
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"
#endif
