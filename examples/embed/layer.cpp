// Compiles a layer in memory and calls it on threads of its own.
//
//   layer-cpp
//
// The layer: y = silu(x * gate) for any number of tokens.
#include "moe/Execution/Compiler.h"

#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstdlib>
#include <thread>

static constexpr const char *source = R"(
func.func @gate(%x: tensor<?x4xf32> {moe.name = "x", moe.dims = ["T", ""]},
                %w: tensor<4xf32> {moe.name = "w", moe.weight})
    -> (tensor<?x4xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %empty = tensor.empty(%t) : tensor<?x4xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(t, i) -> (t, i)>, affine_map<(t, i) -> (i)>, affine_map<(t, i) -> (t, i)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %w : tensor<?x4xf32>, tensor<4xf32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %g = arith.mulf %a, %b : f32
    %minus = arith.negf %g : f32
    %e = math.exp %minus : f32
    %d = arith.addf %e, %one : f32
    %s = arith.divf %g, %d : f32
    linalg.yield %s : f32
  } -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
})";

/// The value, or the end of the program.
template <typename T> static T must(llvm::Expected<T> value) {
  if (value)
    return std::move(*value);
  llvm::errs() << llvm::toString(value.takeError()) << '\n';
  std::exit(1);
}

/// A parallel loop of the program's own, where it has a pool already.
static void parallelFor(void *, int64_t n, MoertTask task, void *arg) {
  std::thread other([=] {
    for (int64_t i = 1; i < n; i += 2)
      task(arg, i);
  });
  for (int64_t i = 0; i < n; i += 2)
    task(arg, i);
  other.join();
}

int main() {
  moe::CompilerOptions options;
  options.target = moe::Target::Cpu;
  options.diagnostics = [](const moe::Diagnostic &diagnostic) {
    llvm::errs() << moe::toString(diagnostic) << '\n';
  };
  moe::Compiler compiler = must(moe::Compiler::create(std::move(options)));
  moe::Module module = must(compiler.compile(source, "gate.mlir"));
  moe::Function gate = must(module.lookup("gate"));
  llvm::outs() << gate.signature() << '\n';

  MoertContextOptions threads = {};
  threads.threads = 2;
  threads.parallel_for = parallelFor;
  moe::Context context = must(moe::Context::create(threads));

  float w[4] = {1, -1, 2, 0}, x[3][4], y[3][4];
  int64_t wShape[] = {4}, shape[] = {3, 4};
  for (int i = 0; i < 12; ++i)
    x[i / 4][i % 4] = 0.5f * i;
  MoertTensor weights = {w, wShape, MOERT_F32, 1, {}};
  MoertTensor input = {x, shape, MOERT_F32, 2, {}};
  MoertTensor output = {y, shape, MOERT_F32, 2, {}};
  moe::BoundFunction layer = must(gate.bind(context, weights));

  // How much memory a call with these shapes takes.
  auto symbols = must(gate.bindSymbols({input, output}));
  uint64_t bytes = must(gate.workspaceBytes(symbols));
  llvm::outs() << "T = " << symbols[0] << ", workspace of " << bytes
               << " bytes\n";

  if (llvm::Error error = layer.call(context, input, output)) {
    llvm::errs() << llvm::toString(std::move(error)) << '\n';
    return 1;
  }
  for (int i = 0; i < 12; ++i) {
    float g = x[i / 4][i % 4] * w[i % 4];
    if (std::abs(y[i / 4][i % 4] - g / (1 + std::exp(-g))) > 1e-5f)
      return 1;
  }
  llvm::outs() << "all 12 numbers are right\n";
}
