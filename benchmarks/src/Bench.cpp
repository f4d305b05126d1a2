//===- Bench.cpp - measures the sides on one problem ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <chrono>
#include <set>
#include <thread>

using namespace llvm;

namespace moe::bench {

/// Rows that are compared in a cell.
static constexpr int64_t kSampledRows = 6;
/// Sides take turns this often in a cell, the second time in reverse order.
static constexpr int kTurns = 2;

Bench::Bench(const Options &options, raw_ostream &stream)
    : options(options), stream(stream),
      problem(options.depths.empty()
                  ? Problem::create(*options.layer, options.dtype, options.seed)
                  : Problem{*options.layer,
                            options.dtype,
                            options.seed,
                            {},
                            {},
                            {},
                            {},
                            {},
                            {}}) {}

template <typename Body> void Bench::line(StringRef kind, Body &&body) {
  json::OStream json(stream);
  json.object([&] {
    json.attribute("kind", kind);
    json.attribute("shape", options.layer->name);
    json.attribute("dtype", moert_dtype_name(options.dtype));
    body(json);
  });
  stream << '\n';
  stream.flush();
}

Bench::Cell Bench::createCell(int64_t tokens, Routing routing) const {
  Cell cell{tokens, routing, {}, {}};
  // Few tokens use few experts: with one batch, these would stay in a cache.
  int64_t count = tokens <= 64 ? 4 : 1;
  std::set<int32_t> used;
  for (int64_t i = 0; i < count; ++i) {
    cell.batches.push_back(Batch::create(problem, tokens, routing, i));
    const Batch &batch = cell.batches.back();
    cell.expertsHit += double(batch.expertsHit) / count;
    used.insert(batch.indices.begin(), batch.indices.end());
  }
  cell.expertsUsed = used.size();
  cell.reference = computeRows(problem, cell.batches[0], kSampledRows);
  return cell;
}

void Bench::writeMachine() {
  line("machine", [&](json::OStream &json) {
    json.attribute("cpu", cpuModel());
    json.attribute("cores", int64_t(std::thread::hardware_concurrency()));
    json.attribute("l2_bytes", l2Bytes());
    json.attribute("l3_bytes", l3Bytes());
    json.attribute("avx512bf16",
                   bool(moert_cpu_features() & MOERT_CPU_AVX512BF16));
    json.attribute("onednn", oneDnnVersion());
    json.attribute("openblas", openBlasVersion());
    json.attribute("load", loadAverage());
  });
}

Error Bench::buildSides() {
  // The first compilation loads the compiler's own pages: not for a side's
  // bill.
  if (any_of(options.sides,
             [](StringRef side) { return side.starts_with("moe"); }))
    if (Error error =
            timeCompilation(*findLayer("D"), MOERT_F32, 1).takeError())
      return error;
  for (StringRef name : options.sides) {
    std::string reason = whyNot(name, problem);
    if (reason.empty() &&
        bytesToBuild(name, problem) > size_t(availableBytes()) / 10 * 9)
      reason = "memory is short";
    if (!reason.empty()) {
      line("skip", [&](json::OStream &json) {
        json.attribute("side", name);
        json.attribute("reason", reason);
      });
      continue;
    }
    Entrant entrant;
    entrant.name = name.str();
    Error error = Error::success();
    auto start = std::chrono::steady_clock::now();
    entrant.footprint.measure([&] {
      ErrorAsOutParameter checked(error);
      error = createSide(name, problem).moveInto(entrant.side);
    });
    if (error)
      return createStringError(name + ": " + toString(std::move(error)));
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    double compile = entrant.side->compileTimes().total();
    line("side", [&](json::OStream &json) {
      json.attribute("side", name);
      json.attribute("compile_ms", compile * 1e3);
      json.attribute("prepare_ms", (seconds.count() - compile) * 1e3);
    });
    entrants.push_back(std::move(entrant));
  }
  return Error::success();
}

Expected<double> Bench::check(Entrant &entrant, const Cell &cell,
                              unsigned threads) {
  if (Error error = entrant.side->setThreads(threads))
    return std::move(error);
  memset(y.data(), 0xff, y.bytes()); // NaN, should a row be left out
  Error error = Error::success();
  entrant.footprint.measure([&] {
    ErrorAsOutParameter checked(error);
    error = entrant.side->run(cell.batches[0], y.data());
  });
  if (error)
    return std::move(error);
  double largest = largestError(problem, cell.reference, y.data());
  if (largest <= tolerance(problem.dtype))
    return largest;
  if (StringRef(entrant.name).starts_with("moe"))
    wrong.push_back(entrant.name);
  line("disagrees", [&](json::OStream &json) {
    json.attribute("side", entrant.name);
    json.attribute("tokens", cell.tokens);
    json.attribute("routing", stringify(cell.routing));
    json.attribute("threads", int64_t(threads));
    json.attribute("error", largest < 1e30 ? largest : 1e30);
    json.attribute("tolerance", tolerance(problem.dtype));
  });
  return largest;
}

Error Bench::time(Entrant &entrant, const Cell &cell, unsigned threads,
                  double seconds, std::vector<double> &ms) {
  using Clock = std::chrono::steady_clock;
  if (Error error = entrant.side->setThreads(threads))
    return error;
  // The waiting threads of the side before go to sleep meanwhile.
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  for (const Batch &batch : cell.batches)
    if (Error error = entrant.side->run(batch, y.data()))
      return error;
  double spent = 0;
  for (size_t call = 0;
       call < cell.batches.size() || (spent < seconds && call < 10000);
       ++call) {
    auto start = Clock::now();
    Error error =
        entrant.side->run(cell.batches[call % cell.batches.size()], y.data());
    double took = std::chrono::duration<double>(Clock::now() - start).count();
    if (error)
      return error;
    ms.push_back(took * 1e3);
    spent += took;
  }
  return Error::success();
}

Error Bench::measureCell(const Cell &cell, unsigned threads) {
  std::vector<Samples> samples(entrants.size());
  std::vector<size_t> order;
  for (auto [i, entrant] : enumerate(entrants)) {
    Expected<double> error = check(entrant, cell, threads);
    if (!error)
      return createStringError(entrant.name + ": " +
                               toString(error.takeError()));
    samples[i].error = *error;
    if (*error <= tolerance(problem.dtype))
      order.push_back(i);
  }
  CpuTimes start = CpuTimes::now();
  MachineLimits limits = probe->measure(threads);
  for (int turn = 0; turn < kTurns; ++turn) {
    for (size_t i : order)
      if (Error error = time(entrants[i], cell, threads,
                             options.budget / kTurns, samples[i].ms))
        return createStringError(entrants[i].name + ": " +
                                 toString(std::move(error)));
    std::reverse(order.begin(), order.end());
  }
  limits = max(limits, probe->measure(threads));
  double others = coresOfOthers(start, CpuTimes::now());
  llvm::sort(order);
  for (size_t i : order)
    writeTimes(cell, threads, entrants[i], samples[i], limits, others);
  return Error::success();
}

void Bench::writeTimes(const Cell &cell, unsigned threads,
                       const Entrant &entrant, Samples &samples,
                       const MachineLimits &limits, double others) {
  llvm::sort(samples.ms);
  auto quantile = [&](double part) {
    return samples.ms[size_t(part * (samples.ms.size() - 1) + 0.5)];
  };
  double ms = quantile(0.5);
  double flops = problem.layer.flops(cell.tokens);
  double bytes = cell.expertsHit * problem.expertBytes();

  // Weights that all calls of the cell use fit a cache, or they do not.
  double used = double(cell.expertsUsed) * problem.expertBytes();
  Bandwidth bandwidth = limits.bandwidth(used);
  double peak =
      entrant.side->narrow() ? limits.fma256 : limits.peak(problem.dtype);
  double bound = std::max(flops / peak, bytes / bandwidth.gbs) * 1e-6;

  line("time", [&](json::OStream &json) {
    json.attribute("side", entrant.name);
    json.attribute("tokens", cell.tokens);
    json.attribute("routing", stringify(cell.routing));
    json.attribute("threads", int64_t(threads));
    json.attribute("calls", int64_t(samples.ms.size()));
    json.attribute("median_ms", ms);
    json.attribute("p10_ms", quantile(0.1));
    json.attribute("p90_ms", quantile(0.9));
    json.attribute("min_ms", samples.ms.front());
    json.attribute("gflops", flops / ms * 1e-6);
    json.attribute("gbs", bytes / ms * 1e-6);
    json.attribute("experts_hit", cell.expertsHit);
    json.attribute("bound_ms", bound);
    json.attribute("roofline", bound / ms);
    json.attribute("bandwidth_of", bandwidth.level);
    json.attribute("error", samples.error);
    json.attribute("kept_bytes", entrant.footprint.kept);
    json.attribute("peak_bytes", entrant.footprint.peak);
    json.attribute("process_bytes", residentBytes());
    json.attributeObject("limits", [&] {
      json.attribute("fma_gflops", limits.fma);
      json.attribute("fma256_gflops", limits.fma256);
      json.attribute("bf16dot_gflops", limits.bf16Dot);
      json.attribute("l2_gbs", limits.l2);
      json.attribute("l3_gbs", limits.l3);
      json.attribute("dram_gbs", limits.dram);
    });
    json.attribute("others", others);
    json.attribute("load", loadAverage());
  });
}

Error Bench::run() {
  writeMachine();
  int64_t most = 0;
  for (auto [routing, tokens] : options.cells)
    most = std::max(most, tokens);
  y = Buffer(most * problem.layer.d * problem.elementBytes());
  if (Error error =
          MachineProbe::create(*max_element(options.threads)).moveInto(probe))
    return error;
  if (Error error = buildSides())
    return error;
  for (auto [routing, tokens] : options.cells) {
    Cell cell = createCell(tokens, routing);
    for (int64_t threads : options.threads)
      if (Error error = measureCell(cell, threads))
        return error;
  }
  if (wrong.empty())
    return Error::success();
  llvm::sort(wrong);
  wrong.erase(llvm::unique(wrong), wrong.end());
  return createStringError(join(wrong, ", ") +
                           ": the result is not the reference's");
}

Error Bench::compile() {
  writeMachine();
  for (int64_t depth : options.depths) {
    Expected<CompileTimes> times =
        timeCompilation(*options.layer, options.dtype, depth);
    if (!times)
      return times.takeError();
    line("compile", [&](json::OStream &json) {
      json.attribute("layers", depth);
      json.attribute("total_ms", times->total() * 1e3);
      json.attribute("parse_ms", times->parse * 1e3);
      json.attribute("lower_ms", times->lower * 1e3);
      json.attribute("codegen_ms", times->codegen * 1e3);
      json.attribute("link_ms", times->link * 1e3);
    });
  }
  return Error::success();
}

} // namespace moe::bench
