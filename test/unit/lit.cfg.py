"""The unit tests: every test of the GoogleTest executables of this build is one of the suite's."""

import os

import lit.formats

if not hasattr(config, "unit_tests"):
    lit_config.fatal("run lit on the folder test/unit/ of a build, or: ninja -C build check-moe")

config.name = "moe-unit"
config.test_format = lit.formats.GoogleTest(".", "Tests")
config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0"  # see ../lit.cfg.py
if not lit_config.params.get("quick"):  # check-moe-all
    config.environment["MOE_TEST_THOROUGH"] = "1"
config.test_source_root = config.test_exec_root = os.path.join(config.build_dir, "test", "unit")

for name in filter(None, config.unit_tests):
    path = os.path.join(config.test_exec_root, name)
    if not os.path.exists(path):
        lit_config.fatal(f"{path} is not there; build it first: ninja -C {config.build_dir} check-moe")
