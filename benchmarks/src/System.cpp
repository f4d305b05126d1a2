//===- System.cpp - what the system says of itself ------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "System.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

namespace moe::bench {

/// The number behind "NAME:" in a file of the system, in KiB; 0 if absent.
static int64_t fieldKiB(const char *path, const std::string &name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, name.size() + 1, name + ":") == 0)
      return std::strtoll(line.c_str() + name.size() + 1, nullptr, 10);
  return 0;
}

int64_t residentBytes() {
  return fieldKiB("/proc/self/status", "VmRSS") * 1024;
}

int64_t availableBytes() {
  return fieldKiB("/proc/meminfo", "MemAvailable") * 1024;
}

int64_t Footprint::startPeak() {
  // Sets the peak (VmHWM) back to what is resident now.
  std::ofstream("/proc/self/clear_refs") << "5" << std::flush;
  return residentBytes();
}

void Footprint::add(int64_t before) {
  int64_t most = fieldKiB("/proc/self/status", "VmHWM") * 1024;
  peak = std::max(peak, kept + most - before);
  kept += residentBytes() - before;
}

CpuTimes CpuTimes::now() {
  CpuTimes times;
  times.wall = std::chrono::duration<double>(
                   std::chrono::steady_clock::now().time_since_epoch())
                   .count();
  std::ifstream file("/proc/stat");
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0,
         steal = 0;
  file >> cpu >> user >> nice >> system >> idle >> wait >> irq >> soft >> steal;
  double tick = sysconf(_SC_CLK_TCK);
  times.busy = (user + nice + system + irq + soft) / tick;
  times.stolen = steal / tick;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval &t) { return t.tv_sec + t.tv_usec * 1e-6; };
  times.own = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  return times;
}

double coresOfOthers(const CpuTimes &start, const CpuTimes &end) {
  double wall = end.wall - start.wall;
  double others = (end.busy - start.busy) + (end.stolen - start.stolen) -
                  (end.own - start.own);
  return wall > 0 ? std::max(0.0, others / wall) : 0;
}

std::string cpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, 10, "model name") == 0)
      return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown";
}

double loadAverage() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

} // namespace moe::bench
