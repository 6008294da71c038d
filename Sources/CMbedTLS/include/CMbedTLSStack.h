/// What mbedTLS leaves on the stack.
#ifndef CMBEDTLS_STACK_H
#define CMBEDTLS_STACK_H

#include "CMbedTLS.h"

/// Clears what calls with a private key have left on the stack below the caller: mbedTLS wipes its numbers, and leaves digits of
/// them in places where its compiler kept them for a moment.
void cmbedtls_clear_stack(void);

#endif
