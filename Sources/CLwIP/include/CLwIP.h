/// lwIP's raw interface, as Swift imports it, and what a board's Ethernet does for it. lwIP's headers come with the -I option
/// that `Toolchain/firmware` gives.
#ifndef CLWIP_H
#define CLWIP_H
#include <stdbool.h>
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/sys.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

// A board with Ethernet defines these, in Swift with `@c @implementation`. All frames begin with two bytes of padding
// (ETH_PAD_SIZE), are without a checksum, and are polled for.

/// Sets the controller up, at the address of `boardAddress`.
void boardEthernetStart(void);

/// The next frame that has arrived, which is the caller's from then on; NULL when there is none. A frame for which lwIP has
/// no buffer is dropped, as a network may drop any.
struct pbuf *_Nullable boardEthernetReceive(void);

/// Sends a frame, which stays lwIP's, and is the driver's to change while it is sent.
///
/// - Returns: false where the controller took none of it.
bool boardEthernetSend(struct pbuf *_Nonnull frame);

#endif
