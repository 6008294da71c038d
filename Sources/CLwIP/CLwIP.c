// SwiftPM wants a source file in a C target; lwIP's own are compiled by `Toolchain/firmware`, since they are not ours to keep.
#include "CLwIP.h"
