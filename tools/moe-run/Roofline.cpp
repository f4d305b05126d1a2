//===- Roofline.cpp - what the machine allows a call ----------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Roofline.h"

#include "Call.h"

#include "moe/Analysis/Cost.h"
#include "moe/Execution/Compare.h"

#include "mlir/Parser/Parser.h"

using namespace llvm;

namespace moe::run {

/// Fills in the work of a call, from the source.
static Error countWork(const Options &options, const Function &function,
                       ArrayRef<int64_t> symbols, Roofline &roofline) {
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  std::string message = "the file has changed";
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
          message = diagnostic.str();
        return mlir::success();
      });
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(
      options.file, mlir::ParserConfig(&context));
  auto source = module
                    ? module->lookupSymbol<mlir::func::FuncOp>(function.name())
                    : mlir::func::FuncOp();
  if (!source)
    return makeError(message);
  NamedSizes sizes;
  for (auto [i, size] : enumerate(symbols))
    sizes[function.entry().symbols[i]] = size;
  mlir::FailureOr<FunctionCost> cost = analyzeCost(source, sizes);
  if (failed(cost))
    return makeError(message);
  roofline.flops = cost->flops;
  roofline.bytes = cost->traffic;
  return Error::success();
}

/// The dtype of the largest argument of floats, which decides what the products
/// of a layer can be made with.
static MoertDType mainDType(const MoertEntry &entry,
                            ArrayRef<int64_t> symbols) {
  double most = -1;
  MoertDType dtype = MOERT_F32;
  for (const MoertArg &arg : arguments(entry)) {
    double elements = 1;
    for (int64_t size : shapeOf(entry, arg, symbols))
      elements *= size;
    auto candidate = static_cast<MoertDType>(arg.dtype);
    if (isFloat(candidate) && elements > most) {
      most = elements;
      dtype = candidate;
    }
  }
  return dtype;
}

/// GFLOP/s of the best instruction that the code may use.
static double peakOf(const MachineLimits &limits, const MoertEntry &entry,
                     MoertDType dtype) {
  if (!(entry.cpu_features & MOERT_CPU_AVX512F) && limits.fma256 > 0)
    return limits.fma256;
  if (!(entry.cpu_features & MOERT_CPU_AVX512BF16))
    return limits.fma;
  return limits.peak(dtype);
}

Expected<Roofline> measureRoofline(const Options &options,
                                   const Function &function,
                                   ArrayRef<int64_t> symbols,
                                   unsigned threads) {
  Roofline roofline;
  if (Error error = countWork(options, function, symbols, roofline))
    return std::move(error);
  Expected<MachineProbe> probe = MachineProbe::create(threads);
  if (!probe)
    return probe.takeError();
  MachineLimits limits = probe->measure(threads);
  const MoertEntry &entry = function.entry();
  roofline.peakGflops = peakOf(limits, entry, mainDType(entry, symbols));
  roofline.bandwidth = limits.bandwidth(roofline.bytes);
  return roofline;
}

} // namespace moe::run
