#include "CRISCV.h"
