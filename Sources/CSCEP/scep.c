// The header is the target; its functions are the Swift target's.
#include "scep.h"
