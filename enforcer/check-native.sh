#!/bin/bash
# check-native.sh MAKE COMPILER: rebuilds libthimble in a temporary folder and compares it with lib/, byte by byte.
# Exit status: 0 the same, 1 different, 3 this machine's compiler is not the one that built lib/.
set -euo pipefail
cd "$(dirname "$0")"
make=$1 compiler=$2

if [ ! -e lib/SHA256SUMS ]; then
    echo "enforcer: nothing is built yet: run 'make -C enforcer' and commit enforcer/lib" >&2
    exit 1
fi
if [ "$(cat lib/COMPILER)" != "$compiler" ]; then
    cat >&2 <<EOF
enforcer: this compiler is not the one that built enforcer/lib, so the bytes cannot be compared.
built by:
$(sed 's/^/    /' lib/COMPILER)
here:
${compiler//$'\n'/$'\n'    }
Either install that compiler (Debian 12: apt-get install gcc gcc-aarch64-linux-gnu), or rebuild with
this one and commit the result: make -C enforcer && git add enforcer/lib
EOF
    exit 3
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$make" --no-print-directory -s OUT="$tmp/lib" OBJ="$tmp/obj" all
status=0
for file in SHA256SUMS COMPILER libthimble-amd64.so libthimble-arm64.so; do
    if ! cmp "lib/$file" "$tmp/lib/$file"; then
        status=1
    fi
done
if [ "$status" != 0 ]; then
    echo "enforcer: enforcer/lib is not what the sources give: run 'make -C enforcer' and commit enforcer/lib" >&2
else
    echo "enforcer: enforcer/lib is what the sources give"
fi
exit "$status"
