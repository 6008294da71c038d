/* lwIP 2.2.1 with a task of its own and sockets, for one TCP connection, DHCP and DNS over IPv4. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define NO_SYS 0
#define SYS_LIGHTWEIGHT_PROT 1
#define LWIP_NETCONN 1
#define LWIP_SOCKET 1
#define LWIP_COMPAT_SOCKETS 0
#define LWIP_COMPAT_MUTEX 0
#define LWIP_TIMEVAL_PRIVATE 1
/* An errno of lwIP's own, in network.c: picolibc's is one for each thread, by means that FreeRTOS 9 does not have. */
#define LWIP_PROVIDE_ERRNO 1
#define errno lwip_errno
extern int lwip_errno;
#define LWIP_NOASSERT 1
#define LWIP_STATS 0

#define LWIP_IPV6 0
#define LWIP_ICMP 0
#define LWIP_RAW 0
#define LWIP_DHCP 1
#define LWIP_ACD 0
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_DNS 1
#define DNS_TABLE_SIZE 1
#define DNS_MAX_NAME_LENGTH 254
#define IP_REASSEMBLY 0
#define IP_FRAG 0

/* The driver has two bytes of length where lwIP has its padding. */
#define ETH_PAD_SIZE 2
#define LWIP_SINGLE_NETIF 1
#define ARP_QUEUEING 0

#define TCP_MSS 536
#define TCP_WND (3 * TCP_MSS)
#define TCP_SND_BUF (4 * TCP_MSS)
#define TCP_SND_QUEUELEN 8
#define TCP_QUEUE_OOSEQ 0

/* What is sent is copied, unlike in the example without an operating system: into lwIP's own heap. */
#define MEM_ALIGNMENT 4
#define MEM_SIZE 4096
#define MEMP_NUM_PBUF 4
#define MEMP_NUM_TCP_SEG 8
#define MEMP_NUM_TCP_PCB 2
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_UDP_PCB 2
#define MEMP_NUM_NETCONN 2
#define MEMP_NUM_NETBUF 1
#define MEMP_NUM_SELECT_CB 1
#define PBUF_POOL_SIZE 5
#define PBUF_POOL_BUFSIZE LWIP_MEM_ALIGN_SIZE(TCP_MSS + 40 + PBUF_LINK_HLEN)

/* Bytes. The task comes before the application's, so that frames are taken in time. */
#define TCPIP_THREAD_STACKSIZE 1536
#define TCPIP_THREAD_PRIO 3
#define TCPIP_MBOX_SIZE 8
#define DEFAULT_TCP_RECVMBOX_SIZE 6
#define DEFAULT_UDP_RECVMBOX_SIZE 1
#define DEFAULT_RAW_RECVMBOX_SIZE 1
#define DEFAULT_ACCEPTMBOX_SIZE 1

#endif
