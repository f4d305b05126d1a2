//===- Statistics.cpp - what the compiler did, for --stats ----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Statistics.h"

#include "llvm/Support/Format.h"

using namespace llvm;

namespace moe::run {

/// The category of the remarks that describe a call.
static constexpr StringLiteral kPhases = "phases";

/// Calls `use` for each phase of the function `name`, in order.
static void forEachPhase(const Report &report, const Twine &name,
                         function_ref<void(const Remark &)> use) {
  std::string function = name.str();
  for (const Remark &remark : report.remarks)
    if (remark.pass == kPhases && remark.function == function)
      use(remark);
}

static void printPhases(const Report &report, const Twine &function,
                        StringRef title, raw_ostream &stream) {
  int number = 0;
  forEachPhase(report, function, [&](const Remark &phase) {
    if (!number)
      stream << title << '\n';
    stream << format("%4d  ", ++number) << phase.message;
    if (!phase.location.empty())
      stream << "  (" << phase.location << ')';
    stream << '\n';
  });
}

static void printKind(const Report &report, Remark::Kind kind, StringRef title,
                      raw_ostream &stream) {
  bool first = true;
  for (const Remark &remark : report.remarks) {
    if (remark.pass == kPhases || remark.kind != kind)
      continue;
    if (std::exchange(first, false))
      stream << title << '\n';
    stream << "  " << remark.location << (remark.location.empty() ? "" : ": ")
           << remark.name << ": " << remark.message << "  [" << remark.pass
           << "]\n";
  }
}

void printRemarks(const Report &report, raw_ostream &stream) {
  printPhases(report, report.entry, "phases of a call:", stream);
  printPhases(report, report.entry + ".prepare",
              "phases when weights are bound:", stream);
  printKind(report, Remark::Kind::Passed, "done:", stream);
  printKind(report, Remark::Kind::Missed, "not done, and why:", stream);
}

void writeRemarks(const Report &report, json::OStream &json) {
  auto writePhases = [&](StringRef key, const Twine &function) {
    json.attributeArray(key, [&] {
      forEachPhase(report, function, [&](const Remark &phase) {
        json.object([&] {
          json.attribute("location", phase.location);
          json.attribute("what", phase.message);
        });
      });
    });
  };
  writePhases("phases", report.entry);
  writePhases("prepared", report.entry + ".prepare");
  static constexpr const char *kinds[] = {"passed", "missed", "analysis"};
  json.attributeArray("remarks", [&] {
    for (const Remark &remark : report.remarks)
      if (remark.pass != kPhases)
        json.object([&] {
          json.attribute("kind", kinds[static_cast<int>(remark.kind)]);
          json.attribute("pass", remark.pass);
          json.attribute("location", remark.location);
          json.attribute("name", remark.name);
          json.attribute("message", remark.message);
        });
  });
}

} // namespace moe::run
