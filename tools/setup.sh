#!/usr/bin/env bash
# Installs the Debian 12 packages that a task needs, and nothing when they are there; for the tests it builds a few Go
# programs, too.
#
#   tools/setup.sh build [demo] [test] [lint] [fuzz] [bench]
#
# Needs root, or sudo, only when something is missing. Services that come with a package (nginx, haproxy, ...) are neither
# started nor enabled by it: the tests run their own.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

build_packages=(
  ca-certificates git gcc g++ cmake ninja-build ccache mold
  libboost1.81-dev libboost-json1.81-dev libssl-dev libabsl-dev libyaml-cpp-dev libre2-dev node-llhttp
  prometheus-cpp-dev libc-ares-dev libspdlog-dev libfmt-dev libcli11-dev libxxhash-dev libnghttp2-dev libidn2-dev zlib1g-dev
)
demo_packages=(curl)  # the commands that it prints
test_packages=(
  libgtest-dev libgmock-dev libbenchmark-dev python3 python3-yaml python3-jsonschema
  curl openssl nginx-light haproxy wrk h2o nghttp2-client apache2-utils prometheus gunicorn nodejs
  python3-websockets python3-h2 python3-hpack python3-wsproto python3-grpcio strace valgrind procps iproute2 netcat-openbsd clang-format-19
)
lint_packages=(clang-19 libclang-rt-19-dev clang-format-19 clang-tidy-19 python3)  # Abseil includes a header of the runtime under sanitizers
fuzz_packages=(clang-19 libclang-rt-19-dev llvm-19)
bench_packages=(nginx-light haproxy wrk h2o nghttp2-client openssl curl python3 python3-venv libbenchmark-dev strace valgrind procps)
services=(nginx haproxy h2o prometheus prometheus-node-exporter)

fail() {
  echo "setup: $*" >&2
  exit 1
}

# Go programs that the HTTP/2 tests run (h2spec, gRPC's interop pair), pinned by tools/go/go.sum. Debian's Go builds them,
# so does any newer one that is there already.
go_programs=(
  h2spec=github.com/summerwind/h2spec/cmd/h2spec
  grpc-interop-client=google.golang.org/grpc/interop/client
  grpc-interop-server=google.golang.org/grpc/interop/server
)
build_go_programs() {
  local folder=$PWD/build/tools/bin stamp name package failed=()
  stamp=$(cat tools/go/go.mod tools/go/go.sum)
  if [[ -e $folder/stamp && $(<"$folder/stamp") == "$stamp" ]]; then return; fi
  mkdir -p "$folder"
  echo "setup: building ${go_programs[*]%%=*} into build/tools/bin"
  for name in "${go_programs[@]}"; do
    package=${name#*=} name=${name%%=*}
    if ! (cd tools/go && GOTOOLCHAIN=local GOFLAGS=-mod=readonly go build -trimpath -o "$folder/$name" "$package") \
      >"$folder/$name.log" 2>&1 </dev/null; then
      failed+=("$name")
      tail -n 3 "$folder/$name.log" >&2
    fi
  done
  if ((${#failed[@]})); then
    echo "setup: the tests that need ${failed[*]} are skipped: they could not be built" >&2
  else
    echo "$stamp" >"$folder/stamp"
  fi
}

wanted=()
needs_go=false
for group in "$@"; do
  case $group in
    build) wanted+=("${build_packages[@]}") ;;
    demo) wanted+=("${demo_packages[@]}") ;;
    test)
      wanted+=("${test_packages[@]}")
      needs_go=true
      command -v go >/dev/null || wanted+=(golang-go)
      ;;
    lint) wanted+=("${lint_packages[@]}") ;;
    fuzz) wanted+=("${fuzz_packages[@]}") ;;
    bench) wanted+=("${bench_packages[@]}") ;;
    *) fail "unknown group '$group' (build, demo, test, lint, fuzz, bench)" ;;
  esac
done
((${#wanted[@]})) || fail "name at least one group: build, demo, test, lint, fuzz, bench"

command -v dpkg-query >/dev/null || fail "this is for Debian 12; install the equivalents of: ${wanted[*]}"
installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' 2>/dev/null) "
missing=()
for package in $(printf '%s\n' "${wanted[@]}" | sort -u); do
  # nginx comes in flavours; the tests need any one of them.
  if [[ $package == nginx-light && $installed == *" installed:nginx "* ]]; then continue; fi
  [[ $installed == *" installed:$package "* ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  if $needs_go; then build_go_programs; fi
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || fail "run as root, or: apt-get install --no-install-recommends ${missing[*]}"
  as_root=(sudo)
fi

echo "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"

# A policy that forbids starting services while packages are configured, unless the machine has one of its own.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null
}
log=$(mktemp)
run_quietly() {
  if ! "$@" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    fail "failed: $* (whole output: $log)"
  fi
}
run_quietly apt update
run_quietly apt install -y --no-install-recommends "${missing[@]}"
rm -f "$log"

# What was not on this machine before must not start at its next boot either.
if command -v systemctl >/dev/null; then
  for service in "${services[@]}"; do
    package=${service/#nginx/nginx-light}
    [[ " ${missing[*]} " == *" $package "* ]] || continue
    "${as_root[@]}" systemctl disable --quiet "$service" 2>/dev/null || true
  done
fi
if $needs_go; then build_go_programs; fi
echo "setup: done"
