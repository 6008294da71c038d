# What the examples of firmware in C have in common: how each is compiled, and linked with the library. Its own Makefile sets OWN,
# its source files, and TCPIP, those of lwIP, both without `.c`, and more where it needs that.
#
# Where things are may be said otherwise, `make SCEP=… MBEDTLS=… LWIP=…`; here they are where `make c-library` leaves them.
CLASS ?= cortex-m3-soft
SCEP ?= ../../.build/c-library/$(CLASS)
MBEDTLS ?= ../../.toolchain/$(CLASS)
LWIP ?= ../../.toolchain/src/lwip-2.2.1/src

OUT := .build/$(CLASS)
CC := arm-none-eabi-gcc
scep = $(shell PKG_CONFIG_PATH=$(SCEP)/lib/pkgconfig pkg-config $(1) scep)

CPU := -mcpu=$(CLASS:-soft=) -mfloat-abi=soft
CFLAGS := $(CPU) -specs=picolibc.specs -std=c11 -Oz -flto=auto -ffunction-sections -fdata-sections -MMD -MP \
  $(call scep,--cflags) -I. -I../bare-metal $(INCLUDES) -I$(MBEDTLS)/include -I$(LWIP)/include -I../../Sources/CLwIP/include
WARNINGS := -Wall -Wextra -Wconversion -Wno-sign-conversion -Werror
LDFLAGS := -nostartfiles -nostdlib -T ../bare-metal/memory.ld -Wl,--defsym=stack_size=$(STACK) -Wl,--gc-sections \
  -Wl,-z,noexecstack -Wl,--no-enum-size-warning -Wl,--fatal-warnings
LIBS := -L$(MBEDTLS)/lib -Wl,--start-group $(call scep,--libs) -lc -lgcc -Wl,--end-group
OBJECTS := $(OWN:%=$(OUT)/%.o) $(TCPIP:%=$(OUT)/%.o) $(OTHERS)

$(OUT)/firmware.elf: $(OBJECTS) $(SCEP)/lib/libscep.a ../bare-metal/memory.ld Makefile ../firmware.mk
	@$(CC) $(CFLAGS) $(LDFLAGS) -Wl,-Map=$(OUT)/firmware.map -o $@.new $(OBJECTS) $(LIBS)
	@! arm-none-eabi-nm $@.new | grep -wE 'malloc|calloc|realloc|free|sbrk' || { echo 'it uses a heap'; exit 1; }
	@mv $@.new $@
	@arm-none-eabi-size -A $@ | awk '$$1 == ".text" { flash += $$2 } $$1 == ".data" { flash += $$2; ram += $$2 } \
	  $$1 == ".stack" || $$1 == ".bss" { ram += $$2 } \
	  END { print "$(notdir $(CURDIR)) $(CLASS): flash " flash ", RAM " ram " bytes" }'

$(OUT)/%.o: %.c Makefile ../firmware.mk
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(WARNINGS) -c -o $@ $<

$(OUT)/%.o: $(LWIP)/%.c Makefile ../firmware.mk
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -c -o $@ $<

-include $(OBJECTS:.o=.d)
