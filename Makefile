# make test is all that is needed before a commit; make check is what CI adds to it. See .ci/run.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c

GO          ?= go
TOOLS       := $(CURDIR)/.cache/bin
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
FUZZTIME    ?= 15s
TESTFLAGS   ?= -count=1 -timeout 40m

C_FILES = $(shell git ls-files -co --exclude-standard -- '*.c' '*.h')
# Programs for the attack tests are C too, and keep the same format. Generated headers are left as they come.
FORMATTED = $(filter-out enforcer/include/abi.h,$(C_FILES))

.PHONY: all build test deps clients lint vuln format fuzz bench generate native check sanitize race arm64 clean
.NOTPARALLEL:

all: build

build:
	$(GO) build -trimpath -o thimble ./cmd/thimble

# Everything, from a fresh Debian-like machine. The last lines are go test's own.
test: deps clients
	$(GO) test $(TESTFLAGS) ./...

# What the tests use and this machine lacks (compilers, runtimes). Needs root or sudo only when something is missing.
deps:
	@scripts/test-deps

# AWS's own runtime clients, into .cache.
clients:
	@if [ -x scripts/test-clients ]; then scripts/test-clients; fi

# Go and C, formatted and vetted.
format:
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard -- '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt'ed: $$unformatted" >&2; exit 1; fi
	$(if $(FORMATTED),clang-format --dry-run -Werror $(FORMATTED))

lint: $(TOOLS)/staticcheck
	$(GO) vet ./...
	$(TOOLS)/staticcheck ./...

$(TOOLS)/staticcheck: Makefile
	GOBIN=$(TOOLS) $(GO) install $(STATICCHECK)
	@touch $@

$(TOOLS)/govulncheck: Makefile
	GOBIN=$(TOOLS) $(GO) install $(GOVULNCHECK)
	@touch $@

# Known vulnerabilities in what is linked. Where the data cannot be had this says so, and does not fail.
vuln: $(TOOLS)/govulncheck
	scripts/vuln $(TOOLS)/govulncheck

# Every fuzz target of every package, FUZZTIME each.
fuzz:
	scripts/fuzz $(FUZZTIME)

# The pure C files under the address and undefined-behaviour sanitizers.
sanitize:
	scripts/sanitize

# The attack tests start hundreds of processes that are not Go's: nothing for the race detector to see.
race:
	CGO_ENABLED=1 $(GO) test -race -count=1 -timeout 20m $$($(GO) list ./... | grep -v /enforcer/attacktest)

# The same tests for the other CPU, under qemu-user.
arm64:
	scripts/test-arm64

bench: build
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./bench $(BENCHFLAGS)

# Generated files and native objects are committed; check fails when they are not what their sources give.
generate:
	$(GO) generate ./...

native:
	$(MAKE) -C enforcer

check: format lint
	scripts/check-generated
	$(MAKE) -C enforcer check

clean:
	rm -rf thimble .cache bench/out
	$(MAKE) -C enforcer clean
