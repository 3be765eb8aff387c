GO ?= go

# The main job: build secgen, generate the example's filter, show it, and run
# memcached under it.
.PHONY: all
all: build generate show demo

.PHONY: build
build:
	CGO_ENABLED=0 $(GO) build -o bin/ ./cmd/secgen ./example/memcached ./example/memcached/goserver ./example/memcached/demo

.PHONY: generate
generate:
	$(GO) generate ./example/memcached/...

# The reviews of both stages: what a pull request shows.
.PHONY: show
show:
	@sed -n '/^\/\/ \(Start\|Serve\) /,/^var/p' example/memcached/filter/filter_linux.go | grep -v ^var

# Debian's memcached is installed if it is missing and that is possible.
.PHONY: demo
demo: build
	@command -v memcached >/dev/null || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || \
		{ apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends memcached; } || true
	@bin/demo

.PHONY: test
test:
	$(GO) vet ./...
	$(GO) test -timeout 20m ./...

# z3, which shares nothing with secgen's own proof, looks for a call on which a
# golden or example filter and its policy differ, and at sabotaged ones.
.PHONY: prove
prove:
	@command -v z3 >/dev/null || { echo "make prove needs z3 (Debian: apt-get install z3)" >&2; exit 1; }
	$(GO) test -count=1 -v ./gen/internal/smt
	$(GO) test -count=1 -v -run 'TestNoMutantSlips|TestZ3AndTheProofAgree' ./gen

# secgen beside gVisor, elastic and libseccomp: bench/README.md and its charts.
.PHONY: bench
bench:
	@echo '#include <seccomp.h>' | gcc -E -x c - >/dev/null 2>&1 || \
		{ echo "make bench needs gcc and libseccomp's headers (Debian: apt-get install gcc libc6-dev libseccomp-dev)" >&2; exit 1; }
	cd bench && $(GO) vet ./... && $(GO) test ./... && $(GO) run .

# Every golden and example filter on a real kernel of each architecture, under
# qemu-system (Debian: qemu-system-arm -misc -mips -ppc -x86). make lab ARCH=s390x runs one,
# TESTS=1 the tests of what acts on the kernel too (gcc-aarch64-linux-gnu for attach's on arm64).
.PHONY: lab
lab:
	$(GO) run ./lab -arch '$(ARCH)' $(if $(TESTS),-tests)

# The kernel's cache of verdicts, and x32, on a kernel built once, in ten minutes (Debian: gcc make flex bison bc xz-utils libelf-dev qemu-system-x86).
.PHONY: lab-cache
lab-cache:
	$(GO) run ./lab -cache

# Rewrites the golden files and the outputs in the README's tour; git diff shows what changed.
.PHONY: update
update:
	$(GO) generate ./...
	$(GO) test ./golden ./gen/internal/picture ./cmd/secgen -update

.PHONY: clean
clean:
	rm -rf bin
