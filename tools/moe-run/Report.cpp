//===- Report.cpp - what a run has to say ---------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"
#include "Statistics.h"

#include "moe/Execution/Compare.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

#include <cmath>

using namespace llvm;

namespace moe::run {

namespace {

/// All comparisons as one.
struct Total {
  int64_t rows = 0, badRows = 0;
  double maxAbs = 0, maxRel = 0;
  bool agrees = true;
  explicit Total(ArrayRef<CheckedAgainst> checks) {
    for (const CheckedAgainst &check : checks)
      for (const Comparison &result : check.results) {
        rows += result.rows;
        badRows += result.badRows;
        maxAbs = std::max(maxAbs, result.maxAbs);
        maxRel = std::max(maxRel, result.maxRel);
        agrees &= result.agrees();
      }
  }
};

/// The width of the first column.
int nameWidth(const Report &report) {
  size_t width = StringRef("result").size();
  for (const auto &[name, view] : report.results)
    width = std::max(width, name.size());
  return static_cast<int>(width);
}

/// "NAME  f32[37, 64]  rms 0.31  greatest 1.2  0.1, 0.2, -0.3, ..."
void printValues(const TensorView &view, raw_ostream &stream) {
  constexpr int64_t shown = 4;
  double sum = 0, greatest = 0;
  int64_t count = view.elements(), nonFinite = 0;
  for (int64_t i = 0; i < count; ++i) {
    double value = readElement(view, i);
    if (!std::isfinite(value)) {
      ++nonFinite;
      continue;
    }
    sum += value * value;
    greatest = std::max(greatest, std::abs(value));
  }
  stream << left_justify(view.describe(), 16);
  if (count > nonFinite && isFloat(view.dtype))
    stream << format("  rms %.4g, greatest %.4g",
                     std::sqrt(sum / (count - nonFinite)), greatest);
  if (nonFinite)
    stream << "  " << nonFinite << " not finite";
  for (int64_t i = 0; i < std::min(count, shown); ++i)
    stream << (i ? ", " : "  ") << format("%.6g", readElement(view, i));
  stream << (count > shown ? ", ...\n" : "\n");
}

/// "3 (column 7: got 0.5, expected 0.25), 9 (...)".
void printMismatches(const Comparison &result, raw_ostream &stream) {
  interleaveComma(result.mismatches, stream, [&](const Mismatch &m) {
    stream << m.row << " (column " << m.column << ": got "
           << format("%.7g, expected %.7g", m.got, m.want) << ')';
  });
  if (result.badRows > static_cast<int64_t>(result.mismatches.size()))
    stream << ", ...";
}

void printCheck(const Report &report, const CheckedAgainst &check,
                raw_ostream &stream) {
  int width = nameWidth(report);
  stream << "compared with " << check.source << '\n'
         << left_justify("result", width)
         << "     rows  bad rows   max abs   max rel  first bad rows\n";
  for (const Comparison &result : check.results) {
    stream << left_justify(result.name, width)
           << format("  %7lld  %8lld  %8.2e  %8.2e", (long long)result.rows,
                     (long long)result.badRows, result.maxAbs, result.maxRel)
           << (result.mismatches.empty() ? "" : "  ");
    printMismatches(result, stream);
    stream << '\n';
  }
}

/// The members that all comparisons and a single one share.
void writeCounts(json::OStream &json, bool agrees, int64_t rows,
                 int64_t badRows, double maxAbs, double maxRel) {
  json.attribute("agrees", agrees);
  json.attribute("rows", rows);
  json.attribute("bad_rows", badRows);
  json.attribute("max_abs", maxAbs);
  json.attribute("max_rel", maxRel);
}

void writeRoofline(json::OStream &json, const Roofline &roofline, double ms) {
  json.attribute("flops", roofline.flops);
  json.attribute("bytes", roofline.bytes);
  json.attribute("gflops", roofline.flops / ms * 1e-6);
  json.attribute("gbs", roofline.bytes / ms * 1e-6);
  json.attribute("limit_ms", roofline.limit());
  json.attribute("roofline", roofline.limit() / ms);
  json.attributeObject("limits", [&] {
    json.attribute("peak_gflops", roofline.peakGflops);
    json.attribute("bandwidth_gbs", roofline.bandwidth.gbs);
    json.attribute("bandwidth_of", roofline.bandwidth.level);
  });
}

void writeResult(json::OStream &json, const Report &report, size_t i) {
  const auto &[name, view] = report.results[i];
  json.attribute("name", name);
  json.attribute("dtype", moert_dtype_name(view.dtype));
  json.attributeArray("shape", [&, &view = view] {
    for (int64_t size : view.shape)
      json.value(size);
  });
  if (report.checks.empty())
    return;
  json.attributeArray("checks", [&] {
    for (const CheckedAgainst &check : report.checks)
      json.object([&] {
        const Comparison &result = check.results[i];
        json.attribute("against", check.source);
        writeCounts(json, result.agrees(), result.rows, result.badRows,
                    result.maxAbs, result.maxRel);
        json.attribute("allowed_bad_rows", result.allowedRows);
        json.attributeArray("first_bad_rows", [&] {
          for (const Mismatch &mismatch : result.mismatches)
            json.value(mismatch.row);
        });
      });
  });
}

} // namespace

void printText(const Report &report, bool stats, raw_ostream &stream) {
  stream << report.entry << ": target " << stringify(report.target) << ", cpu "
         << report.cpu << ", " << report.threads << " threads";
  for (const auto &[name, size] : report.dims)
    stream << ", " << name << " = " << size;
  stream << '\n';
  if (stats) {
    const CompileTimes &times = report.compile;
    stream << format("compiled in %.1f ms: parse %.1f, lower %.1f, codegen "
                     "%.1f, link %.1f\n",
                     times.total() * 1e3, times.parse * 1e3, times.lower * 1e3,
                     times.codegen * 1e3, times.link * 1e3)
           << "packed weights " << report.packedBytes << " bytes, workspace "
           << report.workspaceBytes << " bytes\n";
    printRemarks(report, stream);
  }
  if (const auto &timing = report.timing)
    stream << format("%lld calls: median %.4g ms, p10 %.4g, p90 %.4g, max "
                     "%.4g\n",
                     (long long)timing->calls, timing->median, timing->p10,
                     timing->p90, timing->max);
  if (const auto &roofline = report.roofline) {
    double ms = report.timing->median;
    stream << format("%.4g GFLOP/s, %.4g GB/s; the machine's limit is %.4g ms "
                     "(%.4g GFLOP/s, %.4g GB/s from ",
                     roofline->flops / ms * 1e-6, roofline->bytes / ms * 1e-6,
                     roofline->limit(), roofline->peakGflops,
                     roofline->bandwidth.gbs)
           << roofline->bandwidth.level
           << format("): %.0f %% of it\n", roofline->limit() / ms * 100);
  }
  for (const CheckedAgainst &check : report.checks)
    printCheck(report, check, stream);
  if (!report.checks.empty())
    return;
  for (const auto &[name, view] : report.results) {
    stream << left_justify(name, nameWidth(report)) << "  ";
    printValues(view, stream);
  }
}

void printJson(const Report &report, bool stats, raw_ostream &stream) {
  json::OStream json(stream, 1);
  json.object([&] {
    json.attribute("entry", report.entry);
    json.attribute("target", stringify(report.target));
    json.attribute("cpu", report.cpu);
    json.attribute("threads", report.threads);
    json.attributeObject("dims", [&] {
      for (const auto &[name, size] : report.dims)
        json.attribute(name, size);
    });
    if (const auto &timing = report.timing) {
      json.attribute("calls", timing->calls);
      json.attribute("median_ms", timing->median);
      json.attribute("p10_ms", timing->p10);
      json.attribute("p90_ms", timing->p90);
      json.attribute("max_ms", timing->max);
      if (report.roofline)
        writeRoofline(json, *report.roofline, timing->median);
    }
    const CompileTimes &times = report.compile;
    json.attribute("compile_ms", times.total() * 1e3);
    json.attributeObject("compile", [&] {
      json.attribute("parse_ms", times.parse * 1e3);
      json.attribute("lower_ms", times.lower * 1e3);
      json.attribute("codegen_ms", times.codegen * 1e3);
      json.attribute("link_ms", times.link * 1e3);
    });
    json.attribute("packed_bytes", int64_t(report.packedBytes));
    json.attribute("workspace_bytes", int64_t(report.workspaceBytes));
    if (stats)
      writeRemarks(report, json);
    if (!report.checks.empty())
      json.attributeObject("check", [&] {
        Total total(report.checks);
        writeCounts(json, total.agrees, total.rows, total.badRows, total.maxAbs,
                    total.maxRel);
      });
    json.attributeArray("results", [&] {
      for (size_t i = 0; i < report.results.size(); ++i)
        json.object([&] { writeResult(json, report, i); });
    });
  });
  stream << '\n';
}

Error checkAgreement(ArrayRef<CheckedAgainst> checks) {
  for (const CheckedAgainst &check : checks)
    for (const Comparison &result : check.results)
      if (!result.agrees()) {
        const Mismatch &first = result.mismatches.front();
        std::string text;
        raw_string_ostream stream(text);
        stream << "result '" << result.name << "' differs from " << check.source
               << " in " << result.badRows << " of " << result.rows
               << " rows, first in row " << first.row << ", column "
               << first.column << ": got "
               << format("%.7g, expected %.7g", first.got, first.want);
        return makeError(text);
      }
  return Error::success();
}

} // namespace moe::run
