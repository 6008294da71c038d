/// lwIP 2.2.1 for one TCP connection, DHCP and DNS over IPv4 in the least RAM.
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

// One thread that polls; no sockets.
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0

// No text and no counters in the image.
#define LWIP_NOASSERT 1
#define LWIP_STATS 0

// Protocols.
#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ICMP 0
#define LWIP_IGMP 0
#define LWIP_RAW 0
#define LWIP_AUTOIP 0
#define LWIP_ACD 0
#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_DHCP_MAX_NTP_SERVERS 0
#define LWIP_DNS 1
#define LWIP_UDP 1
#define LWIP_TCP 1
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define IP_FORWARD 0
#define IP_OPTIONS_ALLOWED 0

// One Ethernet. Frames carry two bytes in front, which put the IP header on a word boundary.
#define LWIP_SINGLE_NETIF 1
#define LWIP_ETHERNET 1
#define LWIP_ARP 1
#define ETH_PAD_SIZE 2
#define ARP_TABLE_SIZE 3
#define ARP_QUEUEING 0
#define ETHARP_SUPPORT_STATIC_ENTRIES 0
#define LWIP_NETIF_TX_SINGLE_PBUF 0
#define LWIP_CHECKSUM_ON_COPY 0
#define LWIP_CHKSUM_ALGORITHM 2

// TCP: what is sent stays in the caller's buffer until it is acknowledged, so there is no send copy; what is
// received out of order is dropped and sent again by the far side.
#define TCP_MSS 536
#define TCP_WND (3 * TCP_MSS)
#define TCP_SND_BUF (4 * TCP_MSS)
#define TCP_SND_QUEUELEN 8
#define TCP_QUEUE_OOSEQ 0
#define LWIP_TCP_SACK_OUT 0
#define LWIP_TCP_TIMESTAMPS 0
#define LWIP_TCP_KEEPALIVE 0
#define LWIP_WND_SCALE 0
#define TCP_OVERSIZE 0
#define LWIP_LISTEN_BACKLOG 0
// Every link carries TCP_MSS.
#define TCP_CALCULATE_EFF_SEND_MSS 0

// Memory: fixed pools, and one small heap of lwIP's own for headers of segments, DHCP and DNS messages.
#define MEM_LIBC_MALLOC 0
#define MEMP_MEM_MALLOC 0
#define MEM_ALIGNMENT 4
#define MEM_SIZE 1200
#define MEMP_NUM_PBUF 8
#define MEMP_NUM_TCP_SEG 8
#define MEMP_NUM_TCP_PCB 2
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_UDP_PCB 2
#define PBUF_POOL_SIZE 4
#define PBUF_POOL_BUFSIZE LWIP_MEM_ALIGN_SIZE(TCP_MSS + 40 + PBUF_LINK_HLEN)

// DNS: one name at a time, up to the longest that RFC 1035 allows.
#define DNS_TABLE_SIZE 1
#define DNS_MAX_NAME_LENGTH 254
#define DNS_MAX_SERVERS 2
#define DNS_LOCAL_HOSTLIST 0
#define LWIP_DNS_SECURE (LWIP_DNS_SECURE_RAND_XID | LWIP_DNS_SECURE_RAND_SRC_PORT)

#endif
