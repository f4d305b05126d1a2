"""The test suite: the .mlir and .test files below this folder say how to run them."""

import atexit
import os
import pathlib
import re
import shutil
import sys
import tempfile

import lit.formats

if not hasattr(config, "tools"):
    lit_config.fatal("run lit on the folder test/ of a build, or: ninja -C build check-moe")

config.name = "moe"
config.test_format = lit.formats.ShTest()
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
if lit_config.params.get("quick"):  # check-moe
    config.excludes += ["Build", "Install", "Examples", "Docs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.build_dir, "test")

# `not` is lit's own: it fails when the command crashes. So is `cat`.
tools = {name: config.tools_dir for name in config.tools}
tools |= {name: config.llvm_tools_dir for name in ("FileCheck", "llvm-objdump", "llvm-readelf", "mlir-opt", "mlir-translate", "split-file")}
for name, folder in tools.items():
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        lit_config.fatal(f"{path} is not there; build it first: ninja -C {config.build_dir} check-moe")
    config.substitutions.append((rf"(?<![\w./-]){re.escape(name)}(?![\w./-])", path))

config.substitutions.append(("%moe_src", os.path.dirname(config.test_source_root)))
config.substitutions.append(("%compilers", config.compilers))
config.substitutions.append(("%build", config.build_dir))
config.substitutions.append(("%python", sys.executable))

# A host program: `%cc host.c %moert -o host`, instrumented as the runtime is. The
# compiled code of moe-compile never is.
flags = f" -fsanitize={config.sanitizers}" if config.sanitizers else ""
runtime = f"-I{os.path.dirname(config.test_source_root)}/runtime/include"
config.substitutions += [
    ("%bin", config.tools_dir),
    ("%library_dir", config.library_dir),
    ("%sanitize", flags.strip()),
    ("%cc_path", config.cc),
    ("%cc", config.cc + flags + " -Wall -Wextra -Werror"),
    ("%cxx", config.cxx + flags + " -Wall -Wextra -Werror"),
    ("%moert_static", f"{config.library_dir}/libmoert.a -lm -pthread"),
    ("%moert_include", runtime),
    ("%moert", f"{config.library_dir}/libmoert.so -Wl,-rpath,{config.library_dir}"),
]
config.substitutions.append(("%dialects", os.path.join(config.test_source_root, "../include/moe/Dialect")))

# A variable without $ in its name ends at the next CHECK-LABEL.
config.environment["FILECHECK_OPTS"] = "--enable-var-scope --dump-input-filter=all"

# LLVM's allocators poison memory where a header of theirs is compiled with
# instrumentation, and hand it out unpoisoned in the packaged library.
config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0"

# What several commands compile is compiled once a run.
cache = tempfile.mkdtemp(prefix="moe-test-cache-")
atexit.register(shutil.rmtree, cache, ignore_errors=True)
config.environment["MOE_CACHE_DIR"] = cache

# "address", "undefined", "thread": what this build is instrumented with.
config.available_features.update(filter(None, config.sanitizers.split(",")))
if "avx512f" in pathlib.Path("/proc/cpuinfo").read_text():
    config.available_features.add("avx512")
if config.fuzz:
    config.available_features.add("fuzz")
