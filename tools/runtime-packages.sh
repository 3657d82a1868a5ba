#!/usr/bin/env bash
# Prints the Debian packages that hold the shared libraries of a binary: what a run-time image has to install.
#
#   tools/runtime-packages.sh build/release/headgate
set -euo pipefail
ldd "$1" | awk '$2 == "=>" { print $3 }' | while read -r library; do
  # A merged /usr knows a library by either of two paths.
  dpkg-query -S "$(readlink -f "$library")" 2>/dev/null || dpkg-query -S "/usr$(readlink -f "$library")" 2>/dev/null ||
    dpkg-query -S "$(readlink -f "$library" | sed 's|^/usr||')"
done | cut -d: -f1 | sort -u
