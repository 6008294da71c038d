# `make` or `make help` lists the targets. Whatever a target needs is set up and built first.
.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# make enroll board=arm64 options='--verbose', make authority options='--help'
board ?=
options ?=
# Boards without an operating system are folders with a file `board`; the others are kinds of Linux.
firmwares := $(patsubst Boards/%/board,%,$(wildcard Boards/*/board))
linuxes := linux armhf arm64
ifneq ($(filter-out $(firmwares) $(linuxes),$(board)),)
$(error no board is called '$(board)': there are $(firmwares) $(linuxes))
endif
# make power-cuts effort=all
effort ?= sample
# make kills kills=500
kills ?= 100
# make test-busy busy=4
busy ?= 8
# make symbolize addresses='pc 00007e80 lr 0000b71b' image=Boards/<board>/.build/https/<board>.elf
addresses ?=
image ?=
# make soak soaks=100000 options='--key rsa2048'
soaks ?= 10000
# make bench-authority count=100000
count ?= 10000
# make test-boot cuts=20
cuts ?= 2
# make fuzz seconds=60: so long for each target; make fuzz-long hours=8
seconds ?=
hours ?= 1
# make gateway kinds=amd64
kinds ?=
# make c-library for=cortex-m3-soft
for ?=
# make mutants module=SCEP,PKIX, module=all, seed=20000
module ?=
# make oracles messages=100000 seed=7
messages ?= 40000
seed ?= $(shell date +%s)
# The first build takes minutes, so it shows its progress.
emulation = swift build --package-path Emulation --product $(1) && swift run --quiet --skip-build --package-path Emulation $(1)

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

enroll: board := $(or $(board),$(firstword $(firmwares)))
enroll: $(if $(filter $(linuxes),$(board)),linux,firmware) ## an emulated microcontroller makes its key and enrols itself (board=<name>: make boards; linux, armhf, arm64)
	@$(call emulation,enroll) --board $(board) $(options)

authority: setup ## run the embedded certificate authority: for tests, its keys protect nothing
	@swift build -c release --package-path Emulation --product scep-authority
	@Emulation/.build/release/scep-authority $(options)

test: lint test-modules test-mbedtls-3 power-cuts interfere fuzz firmware firmware-https firmware-relay linux gateway c-size test-emulation test-station test-boot test-packages test-mutants ## everything that has to pass

test-modules: setup ## unit tests of the core, on Debian's mbedTLS 2.28
	@Toolchain/test modules

test-busy: ## make test beside eight busy processes, as on a build machine that others use too (busy=<n>)
	@Toolchain/beside-busy $(busy) $(MAKE) -k test

# LLVM's linker takes static libraries in any order.
test-mbedtls-3: setup ## unit tests of the core, on mbedTLS 3.6 as on boards
	@Toolchain/test mbedtls-3 --scratch-path .build-mbedtls-3 -Xswiftc -use-ld=lld \
	  -Xcc -I$(CURDIR)/.toolchain/host/include -Xlinker -L$(CURDIR)/.toolchain/host/lib

power-cuts: setup ## cut a simulated device's power everywhere (effort=all: for hours; options='--replay <id>')
	@swift build -c release --package-path Emulation --product power-cuts
	@Emulation/.build/release/power-cuts --effort $(effort) $(options)

interfere: setup ## stand between a simulated device and its CA, and corrupt its replies (effort=all: every byte and bit)
	@swift build -c release --package-path Emulation --product interfere
	@Emulation/.build/release/interfere --effort $(effort) $(options)

soak: setup ## one agent gets thousands of certificates through a bad network (soaks=<number>)
	@swift build -c release --package-path Emulation --product soak
	@Emulation/.build/release/soak --count $(soaks) $(options)

bench-authority: setup ## how many certificates the authority issues in a second (count=<number>; fails below 200)
	@swift build -c release --package-path Emulation --product scep-authority
	@swift build -c release --package-path Emulation --product bench-authority
	@Emulation/.build/release/bench-authority --count $(count) --least 200 $(options)

fuzz: setup ## replay the fuzzers' corpus, then fuzz every target for a minute in all (seconds=<n>: so long each)
	@Fuzz/run $(seconds)

fuzz-long: setup ## fuzz for hours, and keep what is new in the corpus (hours=<n>)
	@Fuzz/run long $(hours)

mutants: setup ## count the planted faults that a module's tests notice: a sample (seed=<n> repeats it), or module=SCEP whole
	@swift build --quiet --package-path Mutants
	@Mutants/.build/debug/mutants $(if $(module),--module $(module)) $(if $(filter command line,$(origin seed)),--seed $(seed)) $(options)

# Another module each day.
test-mutants: setup ## test what plants faults, and plant a few: a module's tests have to be as good as Mutants/scores has them
	@Toolchain/test mutants --package-path Mutants
	@Mutants/.build/debug/mutants --turn 1

coverage: setup ## what the unit tests and the fuzzers' corpus cover of each module
	@Fuzz/run coverage

# Others' clients have time limits of their own, which a server beside busy tests does not always keep.
test-emulation: firmware firmware-https firmware-relay linux gateway c-firmware ## end-to-end tests: boards, authorities and networks that misbehave
	@Toolchain/test emulation --package-path Emulation --skip 'BootTests|ForeignClientTests'
	@Toolchain/test foreign --package-path Emulation --skip-build --filter ForeignClientTests

line: firmware-relay ## a factory line on this machine: devices by the hundred, boards in QEMU, an authority, a station (options='--devices 500 --ports 16')
	@swift build --package-path Station
	@Station/.build/debug/simulated-line --boards 3 $(options)

bench-line: setup ## what the station takes: a manifest of 100,000, an audit trail of a million, 1,000 devices at an authority
	@swift build -c release --package-path Station --product scep-station
	@swift build -c release --package-path Station --product station-bench
	@swift build -c release --package-path Station --product simulated-line
	@swift build -c release --package-path Emulation --product scep-authority
	@swift build -c release --package-path Emulation --product bench-authority
	@Station/.build/release/station-bench manifest
	@Station/.build/release/station-bench audit
	@Emulation/.build/release/bench-authority --count 1000
	@Station/.build/release/simulated-line --devices 1000 --ports 16 --host-made 0 | tail -3
	@Station/.build/release/station-bench line

# Its tests start a server of PostgreSQL of their own, in a folder that goes with them.
test-station: setup ## the factory line: manifest, ledger on SQLite and PostgreSQL, devices by the dozen
	@Toolchain/test station --package-path Station

test-boot: machines ## boot whole ARM gateways, and cut their power (cuts=<number>: so many more at random moments)
	@BOOT_CUTS=$(cuts) Toolchain/test boot --package-path Emulation --filter BootTests

kills: firmware ## kill the emulated board a hundred times at moments that nobody chose (kills=<number>)
	@KILLS=$(kills) Toolchain/test kills --package-path Emulation --filter BoardKillTests

oracles: setup ## OpenSSL checks forty thousand messages beside us (messages=<number>; the tests take 3000)
	@ORACLE_COUNT=$(messages) ORACLE_SEED=$(seed) Toolchain/test oracles --package-path Emulation --filter OracleTests

gateway-numbers: gateway ## memory of an enrolment, and time from start to the first byte, of the gateway's program
	@IS_IDLE=1 Toolchain/test gateway-numbers --package-path Emulation --filter NumbersTests

build: setup ## the core for this machine
	swift build

firmware: setup ## the image for each board without an operating system, checked against its limits (board=<name>: for one)
	@Toolchain/firmware $(or $(board),all)

firmware-https: setup ## the image with TLS in it, checked against limits of its own
	@Toolchain/firmware $(or $(board),all) https

firmware-relay: setup ## the image without a network, which reaches its CA through a factory's station
	@Toolchain/firmware $(or $(board),all) relay

# The image is that of `make enroll` unless another one is named.
symbolize: board := $(or $(board),$(firstword $(firmwares)))
symbolize: ## where in the sources the addresses of a board's line `fault: …` are (addresses='<words of it>' board=<name> image=<elf>)
	@Toolchain/symbolize $(or $(image),Boards/$(board)/.build/usual/$(board).elf) $(addresses)

boards: ## the boards without an operating system, and what each took to write
	@Toolchain/boards

c-library: setup ## the library for C, for each class of processor, as a team gets it (for=<class or board>: for one)
	@Toolchain/c-library $(for)

c-firmware: c-library ## the examples of firmware in C, without an operating system and on FreeRTOS
	@$(MAKE) --no-print-directory -C Examples/bare-metal
	@$(MAKE) --no-print-directory -C Examples/freertos

c-size: firmware c-library ## what firmware in C takes of flash beside the same in Swift
	@Examples/size 6144

linux: setup ## the same agent as a program for this machine, armhf and arm64
	@Boards/linux/build

gateway: setup ## the program for gateways, for Debian and static, on amd64, arm64 and armhf (kinds='amd64 static-arm64')
	@Toolchain/gateway $(kinds)

station: setup ## the factory line's program, in Station/.build/release/scep-station
	@swift build -c release --package-path Station --product scep-station

packages: setup ## Debian packages of it for amd64, arm64 and armhf
	@Packaging/build

test-packages: setup ## install, use, upgrade, remove and purge the package in a small Debian (root)
	@Tests/Packaging/run

machines: setup ## the machines that test-boot boots: Debian's kernels, the packages for arm64 and armhf
	@Packaging/build arm64 armhf
	@Boards/virt/build

size: setup ## flash and static RAM by module, and the change against the last commit (board=<name>)
	@Toolchain/size $(board)

documentation: setup ## the reference of the core's modules, in .build/EmbeddedSCEP.doccarchive, for a browser or a web server
	@Toolchain/documentation

lint: setup ## layout of the code and rules of the core
	@Toolchain/lint

format: ## lay out the code as lint wants it
	git ls-files -z '*.swift' | xargs -0 swift format --in-place --parallel

setup: ## Debian packages, sources of mbedTLS, lwIP and FreeRTOS, cross-built libraries; seconds when all is there
	@Toolchain/setup

clean: ## remove what was built; what was set up stays
	rm -rf .build .build-* Emulation/.build Mutants/.build Station/.build Boards/*/.build Examples/*/.build

distclean: clean ## remove what was set up too, but no Debian packages
	rm -rf .toolchain

.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*## .*/\1/p' $(MAKEFILE_LIST))
