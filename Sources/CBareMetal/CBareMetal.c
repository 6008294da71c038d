#include "CBareMetal.h"
