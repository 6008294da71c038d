#include "CFirmwareMain.h"

// Whole words, as an array of Swift is aligned.
_Alignas(8) uint8_t firmware_space_work[FIRMWARE_WORK];
_Alignas(8) uint8_t firmware_space_text[FIRMWARE_TEXT];
_Alignas(8) uint8_t firmware_space_arena[FIRMWARE_ARENA];
