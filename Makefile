# `make` or `make help` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help setup

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## Debian packages, sources of mbedTLS and lwIP, cross-built libraries
	@Toolchain/setup
