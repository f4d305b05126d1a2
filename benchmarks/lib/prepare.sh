#!/usr/bin/env bash
# Installs what the benchmarks need beyond the build, and builds moe-bench.

source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/setup.sh"

packages+=(libdnnl-dev libopenblas-openmp-dev)
install_packages
folder=$(build_folder release)
if ! grep -qs '^MOE_BENCHMARKS:BOOL=ON' "$folder/CMakeCache.txt"; then
  step "Configuring $folder"
  cmake --preset release -DMOE_BENCHMARKS=ON </dev/null >"$log" 2>&1 || {
    cat "$log" >&2
    die "CMake failed (its output is above)"
  }
fi
build release benchmarks || die "the build failed (its output is above)"
