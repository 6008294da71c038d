/// The only door to mbedTLS.
#ifndef CMBEDTLS_H
#define CMBEDTLS_H
#include <stdint.h>
#endif
