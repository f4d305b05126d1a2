//===- Affinity.cpp - how many CPUs this process may use ------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The affinity mask says on which CPUs threads may run; a cgroup says how much
// time they get there. With more threads than time, all of them are stopped in
// the middle of a phase until the next period.
//
//===----------------------------------------------------------------------===//

#include "Cpu.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(__linux__)
#include <climits>
#include <sched.h>
#endif
#include <unistd.h>

#if defined(__linux__)

namespace {

constexpr size_t kLine = 4096;

/// Returns true, and the first line of `path` without its end, if it can be
/// read.
bool readLine(const char *path, char *line) {
  FILE *file = fopen(path, "re");
  if (!file)
    return false;
  bool ok = fgets(line, kLine, file);
  fclose(file);
  if (ok)
    line[strcspn(line, "\n")] = 0;
  return ok;
}

/// Returns true if `name` is one of the comma-separated `list`.
bool listHas(const char *list, const char *name) {
  size_t length = strlen(name);
  for (const char *at = list; *at;) {
    size_t item = strcspn(at, ",");
    if (item == length && !strncmp(at, name, length))
      return true;
    at += item + (at[item] == ',');
  }
  return false;
}

/// Finds this process's cgroup and the mount point of its hierarchy: of version
/// 2, or of the cpu controller of version 1. Returns false if there is none.
bool findCgroup(const char *root, bool v2, char *group, char *mount) {
  char path[PATH_MAX], line[kLine];
  group[0] = mount[0] = 0;

  // ID:CONTROLLERS:GROUP; version 2 is 0 without controllers.
  snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
  FILE *file = fopen(path, "re");
  if (!file)
    return false;
  while (!group[0] && fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':');
    char *name = controllers ? strchr(controllers + 1, ':') : nullptr;
    if (!name)
      continue;
    *name++ = 0;
    ++controllers;
    if (v2 ? !strncmp(line, "0:", 2) && !*controllers
           : listHas(controllers, "cpu"))
      snprintf(group, PATH_MAX, "%s", name);
  }
  fclose(file);
  if (!group[0])
    return false;

  // ID PARENT DEVICE ROOT MOUNT OPTIONS ... - TYPE SOURCE SUPEROPTIONS
  snprintf(path, sizeof path, "%s/proc/self/mountinfo", root);
  file = fopen(path, "re");
  if (!file)
    return false;
  char at[kLine], top[kLine], type[64], super[kLine];
  while (!mount[0] && fgets(line, sizeof line, file)) {
    const char *rest = strstr(line, " - ");
    if (!rest || sscanf(line, "%*s %*s %*s %4095s %4095s", top, at) != 2 ||
        sscanf(rest + 3, "%63s %*s %4095s", type, super) != 2)
      continue;
    if (strcmp(type, v2 ? "cgroup2" : "cgroup") ||
        (!v2 && !listHas(super, "cpu")))
      continue;
    snprintf(mount, PATH_MAX, "%s", at);
    // A container sees its own group as the top of the mount.
    size_t length = strlen(top);
    if (length > 1 && !strncmp(group, top, length))
      memmove(group, group + length, strlen(group + length) + 1);
  }
  fclose(file);
  return mount[0];
}

/// Returns the CPUs' worth of time that one cgroup directory allows, rounded
/// up; 0 if it sets no limit.
unsigned directoryLimit(const char *directory, bool v2) {
  char path[PATH_MAX], line[kLine];
  long long quota = 0, period = 0;
  if (v2) { // "max 100000" or "150000 100000"
    if (snprintf(path, sizeof path, "%s/cpu.max", directory) >= PATH_MAX ||
        !readLine(path, line) ||
        sscanf(line, "%lld %lld", &quota, &period) != 2)
      return 0;
  } else {
    if (snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", directory) >=
            PATH_MAX ||
        !readLine(path, line))
      return 0;
    quota = atoll(line); // -1: no limit
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory);
    if (!readLine(path, line))
      return 0;
    period = atoll(line);
  }
  if (quota <= 0 || period <= 0)
    return 0;
  return unsigned(
      std::min<long long>(quota / period + (quota % period != 0), 1 << 20));
}

} // namespace

unsigned moe::runtime::cgroupCpuLimit(const char *root) {
  unsigned limit = 0;
  for (bool v2 : {true, false}) {
    char group[PATH_MAX], mount[PATH_MAX], directory[3 * PATH_MAX];
    if (!findCgroup(root, v2, group, mount))
      continue;
    // Each group up to the top of the mount can set a limit; the least counts.
    int top = snprintf(directory, sizeof directory, "%s%s", root, mount);
    snprintf(directory + top, sizeof directory - top, "/%s",
             group[0] == '/' ? group + 1 : group);
    for (;;) {
      if (unsigned here = directoryLimit(directory, v2))
        limit = limit ? std::min(limit, here) : here;
      char *slash = strrchr(directory + top, '/');
      if (!slash)
        break;
      *slash = 0;
    }
  }
  return limit;
}

/// Returns the number of CPUs in the affinity mask of this thread; 0 if
/// unknown.
static unsigned affinityCpus() {
  // The kernel refuses a set smaller than its own.
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
    cpu_set_t *set = CPU_ALLOC(cpus);
    if (!set)
      return 0;
    size_t bytes = CPU_ALLOC_SIZE(cpus);
    unsigned count =
        sched_getaffinity(0, bytes, set) ? 0 : CPU_COUNT_S(bytes, set);
    CPU_FREE(set);
    if (count)
      return count;
  }
  return 0;
}

#else

unsigned moe::runtime::cgroupCpuLimit(const char *) { return 0; }

static unsigned affinityCpus() { return 0; }

#endif

unsigned moe::runtime::availableCpus() {
  unsigned cpus = affinityCpus();
  if (!cpus)
    cpus = unsigned(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  unsigned limit = cgroupCpuLimit("");
  return limit ? std::min(cpus, limit) : cpus;
}
