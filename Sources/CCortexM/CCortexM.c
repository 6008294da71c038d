#include "CCortexM.h"
