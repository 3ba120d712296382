# VniAkka's front door. 'make' alone says what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PREFIX ?= /usr/local
DESTDIR ?=
BIN := bin
ARTIFACTS := $(or $(VNI_ARTIFACTS),artifacts)

# A build is as new as the newest of its sources.
rules := $(wildcard *.props BannedSymbols.txt .editorconfig)
library := $(shell find src/Actors src/Client -type f \( -name '*.cs' -o -name '*.csproj' \))
daemon := $(rules) $(library) $(shell find src/Cluster src/Interposer src/Node -type f \( -name '*.cs' -o -name '*.csproj' -o -name '*.proto' -o -name '*.json' \))
seed := $(rules) $(library) $(shell find src/Cluster src/Lighthouse -type f \( -name '*.cs' -o -name '*.csproj' \))
console := $(rules) $(library) $(shell find src/Console -type f \( -name '*.cs' -o -name '*.csproj' \))
harness := $(shell find src/Interposer/native -type f)
# No build server outlives the command, and nobody is told about it.
export MSBUILDDISABLENODEREUSE := 1
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
publish := dotnet publish -c Release -v quiet --nologo -m:2 -p:UseSharedCompilation=false

.PHONY: help
help: ## say what there is
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target text; do printf '  %-10s %s\n' "$$target" "$$text"; done

.PHONY: setup
setup: ## install what this machine lacks (as root: packages, CRIU, kernel limits)
	@scripts/setup

.PHONY: build
build: $(BIN)/vni $(BIN)/vnid $(BIN)/lighthouse $(BIN)/appshot ## build bin/vni, bin/vnid, bin/lighthouse and bin/appshot

$(BIN)/vnid: $(daemon) | setup
	@echo "building $@"
	@mkdir -p $(BIN)
	@$(publish) src/Node -p:PublishDir=$(abspath $(ARTIFACTS))/front/vnid/
	@install -m 755 $(ARTIFACTS)/front/vnid/vnid $@.new
	@for library in $(ARTIFACTS)/front/vnid/*.so; do [ ! -e "$$library" ] || install -m 644 "$$library" $(BIN)/; done
	@mv -f $@.new $@

$(BIN)/vni: $(console) | setup $(BIN)/vnid
	@echo "building $@"
	@mkdir -p $(BIN)
	@$(publish) src/Console -p:PublishDir=$(abspath $(ARTIFACTS))/front/vni/
	@install -m 755 $(ARTIFACTS)/front/vni/vni $@.new
	@mv -f $@.new $@

# One after the other: each builds the libraries they share.
$(BIN)/lighthouse: $(seed) | setup $(BIN)/vnid $(BIN)/vni
	@echo "building $@"
	@mkdir -p $(BIN)
	@$(publish) src/Lighthouse -p:PublishDir=$(abspath $(ARTIFACTS))/front/lighthouse/
	@install -m 755 $(ARTIFACTS)/front/lighthouse/lighthouse $@.new
	@mv -f $@.new $@

$(BIN)/appshot: $(harness) | setup
	@echo "building $@"
	@mkdir -p $(BIN)
	@$(MAKE) -s --no-print-directory -C src/Interposer/native OUT=$(abspath $@)
	@touch $@

.PHONY: demo
demo: build ## watch a redis move around a farm of three nodes with its connections (root, half a minute)
	@demo/demo

.PHONY: test
test: build ## run all tests (root, on an idle machine a quarter of an hour)
	@scripts/run-tests

.PHONY: bench
bench: build ## measure, and print tables (root)
	@bench/bench

.PHONY: install
install: build ## install to PREFIX (default /usr/local); DESTDIR is for packagers
	@scripts/install-vniakka '$(DESTDIR)' '$(PREFIX)'

.PHONY: uninstall
uninstall: ## remove what install put there; configuration and state stay
	@scripts/install-vniakka --remove '$(DESTDIR)' '$(PREFIX)'

.PHONY: clean
clean: ## remove everything that a build leaves
	@rm -rf $(BIN) $(ARTIFACTS) TestResults
