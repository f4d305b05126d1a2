//===- AffinityTest.cpp - CPU limits of cgroups ---------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cpu.h"

#include "gtest/gtest.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;
using namespace moe::runtime;

namespace {
/// A made-up machine: files under a temporary root.
class CgroupTest : public ::testing::Test {
protected:
  CgroupTest() {
    std::string name = (fs::temp_directory_path() / "moert-XXXXXX").string();
    root = mkdtemp(name.data());
  }
  ~CgroupTest() override { fs::remove_all(root); }

  void write(const std::string &path, const std::string &text) {
    fs::create_directories(fs::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  }
  unsigned limit() { return cgroupCpuLimit(root.c_str()); }

  std::string root;
};

constexpr char kMountV2[] = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - "
                            "cgroup2 cgroup2 rw,nsdelegate\n";
constexpr char kMountV1[] =
    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup "
    "rw,cpu,cpuacct\n";
} // namespace

TEST_F(CgroupTest, NothingThere) { EXPECT_EQ(limit(), 0u); }

TEST_F(CgroupTest, V2) {
  write("/proc/self/mountinfo", kMountV2);
  write("/proc/self/cgroup", "0::/a/b\n");
  EXPECT_EQ(limit(), 0u);
  write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(limit(), 0u);
  write("/sys/fs/cgroup/a/b/cpu.max", "400000 100000\n");
  EXPECT_EQ(limit(), 4u);
  write("/sys/fs/cgroup/a/cpu.max", "150000 100000\n"); // the parent is tighter
  EXPECT_EQ(limit(), 2u);
  write("/sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(limit(), 1u);
}

TEST_F(CgroupTest, V1) {
  write("/proc/self/mountinfo",
        std::string("31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
                    "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup "
                    "rw,cpuset\n") +
            kMountV1);
  write("/proc/self/cgroup", "3:cpuset:/wrong\n2:cpu,cpuacct:/job\n0::/\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limit(), 0u);
  write("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "250000\n");
  EXPECT_EQ(limit(), 0u); // without a period
  write("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limit(), 3u);
}

TEST_F(CgroupTest, ContainerSeesItsGroupAsTheTop) {
  write("/proc/self/mountinfo",
        "32 31 0:29 /docker/123 /sys/fs/cgroup/cpu ro - "
        "cgroup cgroup rw,cpu\n");
  write("/proc/self/cgroup", "2:cpu:/docker/123\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limit(), 2u);
}

TEST_F(CgroupTest, BothVersions) {
  write("/proc/self/mountinfo",
        std::string(kMountV1) +
            "38 31 0:35 / /sys/fs/cgroup/unified rw - cgroup2 "
            "cgroup2 rw\n");
  write("/proc/self/cgroup", "1:cpu:/x\n0::/y\n");
  write("/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "300000\n");
  write("/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limit(), 3u);
  write("/sys/fs/cgroup/unified/y/cpu.max", "200000 100000\n");
  EXPECT_EQ(limit(), 2u);
}

TEST_F(CgroupTest, Nonsense) {
  write("/proc/self/mountinfo", kMountV2);
  for (const char *text : {"", ":", "::", "0::", "0::/a", "\n\n0::/a\n"}) {
    write("/proc/self/cgroup", text);
    for (const char *max : {"", "x", "1", "-5 100000", "5 0", "5 -1", "a b",
                            "99999999999999999999 1"}) {
      write("/sys/fs/cgroup/a/cpu.max", max);
      EXPECT_LE(limit(), 1u << 20) << text << max;
    }
  }
  write("/proc/self/cgroup", "0::/" + std::string(10000, 'a') + "\n");
  write("/sys/fs/cgroup/a/cpu.max", "max 1");
  EXPECT_EQ(limit(), 0u);
  write("/proc/self/mountinfo", "- - -\n - cgroup2\n" + std::string(9000, 'x'));
  EXPECT_EQ(limit(), 0u);
}

TEST(AvailableCpusTest, AtLeastOne) { EXPECT_GE(availableCpus(), 1u); }
