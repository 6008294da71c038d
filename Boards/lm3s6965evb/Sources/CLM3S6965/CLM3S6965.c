#include "CLM3S6965.h"
