# shellcheck shell=bash
# What scripts/demo and scripts/test have in common: packages, configuration,
# build. Sourced, not run. Leaves the caller in the root of the repository.

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
export PATH="$PATH:/usr/sbin:/sbin" # apt-get needs them, a bare su does not set them
export LC_ALL=C.UTF-8               # apt's words are read below
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# What a minimal Debian lacks. libclang-rt-22-dev has the sanitizers and
# libFuzzer, llvm-22-tools lit and FileCheck, mlir-22-tools mlir-tblgen.
packages=(
  cmake ninja-build python3 python3-dev python3-venv
  clang-22 clang-format-22 lld-22 libclang-rt-22-dev
  llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools
  libgtest-dev
)

step() { printf '\n==> %s\n' "$*"; }

die() {
  printf '%s: %s\n' "$0" "$*" >&2
  exit 1
}

# Prints those of the given packages that are not installed.
missing_packages() {
  local installed
  installed=" $(dpkg-query -W -f='${db:Status-Abbrev}${Package} ' "$@" 2>/dev/null)"
  local package
  for package; do
    [[ $installed == *" ii $package "* || $installed == *" hi $package "* ]] || echo "$package"
  done
}

# Prints those of the given packages that no configured package source has.
unknown_packages() {
  local known
  known=" $(apt-cache policy "$@" 2>/dev/null |
    awk '/^[^ ]/ {sub(/:$/, ""); name = $0} /^  Candidate:/ && $2 != "(none)" {printf "%s ", name}')"
  local package
  for package; do
    [[ $known == *" $package "* ]] || echo "$package"
  done
}

# Reads apt's output and prints how far it is: one line that is rewritten on a
# terminal, a line every 25 packages elsewhere.
apt_progress() {
  local terminal=0
  [[ -t 1 ]] && terminal=1
  awk -v terminal="$terminal" '
    function show() {
      line = sprintf("    %d fetched, %d unpacked, %d set up, of %d", fetched, unpacked, ready, total)
      if (terminal) printf "\r%s", line
      else if ((fetched + unpacked + ready) % 25 == 0) print line
      fflush()
    }
    / newly installed,/ {total = $1 + $3}
    /^Get:/ {fetched++; show()}
    /^Unpacking / {unpacked++; show()}
    /^Setting up / {ready++; show()}
    END {if (terminal && total) print ""}'
}

# Installs those of `packages` that are missing. A machine that has them all is
# not asked anything.
install_packages() {
  command -v dpkg-query >/dev/null ||
    die "this is not Debian: install CMake 3.25, Ninja, Python 3, Clang 22, lld 22, LLVM and MLIR 22.1" \
      "with their tools, and GoogleTest; then: cmake --preset dev && ninja -C build check-moe"
  local missing
  mapfile -t missing < <(missing_packages "${packages[@]}")
  ((${#missing[@]})) || return 0

  local install=(apt-get install -y --no-install-recommends)
  [[ $(id -u) == 0 ]] ||
    die "not root, and packages are missing (LLVM 22.1 is in the security suite of Debian bookworm)."$'\n' \
      " Install them, then start again:"$'\n' \
      " sudo apt-get update && sudo ${install[*]} ${missing[*]}"

  step "Installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q -o DPkg::Lock::Timeout=120 </dev/null >"$log" 2>&1 || {
    cat "$log" >&2
    die "apt-get update failed (its output is above)"
  }
  local unknown
  mapfile -t unknown < <(unknown_packages "${missing[@]}")
  if ((${#unknown[@]})); then
    die "no package source of this machine has: ${unknown[*]}"$'\n' \
      " LLVM 22.1 is in the security suite of Debian bookworm. Add it to /etc/apt/sources.list, with the"$'\n' \
      " mirror that you use, and start again:"$'\n' \
      "   deb MIRROR/debian-security bookworm-security main"
  fi
  "${install[@]}" -q -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "${missing[@]}" \
    </dev/null 2>&1 | tee "$log" | apt_progress || {
    tail -n 20 "$log" >&2
    die "apt-get install failed (the end of its output is above)"
  }
}

# Makes build/python-env: a virtual environment of Debian's Python with what the
# Python package is built and tested with. False, with a message, if pip cannot
# fetch it.
python_environment() {
  local env=build/python-env python=/usr/bin/python3
  cmp -s python/requirements.txt "$env/requirements.txt" && return 0
  [[ -x $python ]] || python=python3
  step "Installing into $env: $(grep -v '^#' python/requirements.txt | tr '\n' ' ')"
  if "$python" -m venv "$env" &&
    "$env/bin/pip" install -q --disable-pip-version-check --retries 1 -r python/requirements.txt </dev/null; then
    cp python/requirements.txt "$env"
    # CMake looks for the environment when it runs.
    rm -f build/build.ninja build/release/build.ninja
    return 0
  fi
  echo "pip cannot install python/requirements.txt (its output is above)"
  return 1
}

# Makes build/torch-env: the same Python with PyTorch and transformers besides,
# and sets torch_python. False, with a message, if pip cannot fetch them.
torch_environment() {
  torch_python=${MOE_TORCH_PYTHON:-}
  [[ -z $torch_python ]] || return 0
  local env=build/torch-env base=build/python-env/bin/python
  local wanted=(python/requirements.txt test/Python/pytorch/requirements.txt)
  torch_python=$env/bin/python
  cmp -s <(cat "${wanted[@]}") "$env/requirements.txt" && return 0
  step "Installing into $env: $(grep -hv '^#' "${wanted[@]}" | tr '\n' ' ')"
  if "$base" -m venv "$env" &&
    "$env/bin/pip" install -q --disable-pip-version-check --retries 1 \
      -r "${wanted[0]}" -r "${wanted[1]}" </dev/null; then
    cat "${wanted[@]}" >"$env/requirements.txt"
    return 0
  fi
  echo "pip cannot install ${wanted[*]} (its output is above)"
  return 1
}

# build_folder PRESET: prints the folder that this preset builds into.
build_folder() { [[ $1 == dev ]] && echo build || echo "build/$1"; }

# configure PRESET: runs CMake where it has not run since the presets changed;
# Ninja runs it again by itself after a change of a CMakeLists.txt.
configure() {
  local folder
  folder=$(build_folder "$1")
  [[ $folder/build.ninja -nt CMakePresets.json ]] && return 0
  step "Configuring $folder"
  cmake --preset "$1" </dev/null >"$log" 2>&1 || {
    cat "$log" >&2
    die "CMake failed (its output is above)"
  }
}

# build PRESET TARGET...: builds the targets; false when that fails.
build() {
  local folder
  folder=$(build_folder "$1")
  shift
  step "Building $folder: $*"
  ninja -C "$folder" -j "$(nproc)" "$@" </dev/null
}
