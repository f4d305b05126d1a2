//===- OneDnn.cpp - the expert loop on oneDNN -----------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpertLoop.h"

#if MOE_BENCH_ONEDNN

#include "oneapi/dnnl/dnnl.hpp"

#include <map>
#include <tuple>

using namespace llvm;
using dnnl::matmul;
using dnnl::memory;

namespace moe::bench {

namespace {

/// Products by oneDNN's matmul, whose weights lie as the library likes them
/// best for many rows: gate and up side by side, packed once.
class OneDnnSide : public ExpertLoop {
public:
  explicit OneDnnSide(const Problem &problem);
  Error run(const Batch &batch, char *y) override;

private:
  void multiplyGateUp(int64_t e, int64_t rows, const char *x,
                      float *products) override {
    multiply(gateUp, gateUpLayout, e, rows, x, products);
  }
  void multiplyDown(int64_t e, int64_t rows, const char *hidden,
                    float *out) override {
    multiply(down, downLayout, e, rows, hidden, out);
  }
  /// out [rows, n] = x [rows, k] times the expert's weights [k, n].
  void multiply(std::vector<memory> &weights, const memory::desc &layout,
                int64_t e, int64_t rows, const char *x, float *out);
  matmul::primitive_desc describe(int64_t rows, const memory::desc &weights);
  /// Packs [n,k] weights.
  memory pack(const memory::desc &layout, char *weights);

  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  memory::data_type dtype;
  memory::desc gateUpLayout, downLayout;
  std::vector<Buffer> storage; ///< of the packed weights, in large pages
  std::vector<memory> gateUp, down;
  /// By rows, columns, threads: code is made once for each.
  std::map<std::tuple<int64_t, int64_t, unsigned>, matmul> primitives;
};

} // namespace

/// Rows for which the library chooses the layout of the weights.
static constexpr int64_t kTypicalRows = 64;

OneDnnSide::OneDnnSide(const Problem &problem)
    : ExpertLoop(problem),
      dtype(problem.dtype == MOERT_F32 ? memory::data_type::f32
                                       : memory::data_type::bf16) {
  auto [name, d, F, E, K, gptOss] = problem.layer;
  auto choose = [&](int64_t k, int64_t n) {
    return describe(kTypicalRows,
                    memory::desc({k, n}, dtype, memory::format_tag::any))
        .weights_desc();
  };
  gateUpLayout = choose(d, 2 * F);
  downLayout = choose(F, d);
  size_t bytes = F * d * problem.elementBytes();
  Buffer both(2 * bytes);
  for (int64_t e = 0; e < E; ++e) {
    memcpy(both.data(), problem.gate.data() + e * bytes, bytes);
    memcpy(both.data() + bytes, problem.up.data() + e * bytes, bytes);
    gateUp.push_back(pack(gateUpLayout, both.data()));
    down.push_back(pack(downLayout, problem.down.data() + e * bytes));
  }
}

matmul::primitive_desc OneDnnSide::describe(int64_t rows,
                                            const memory::desc &weights) {
  memory::dims sizes = weights.dims();
  memory::desc x({rows, sizes[0]}, dtype, memory::format_tag::ab),
      out({rows, sizes[1]}, memory::data_type::f32, memory::format_tag::ab);
  return {matmul::desc(x, weights, out), engine};
}

memory OneDnnSide::pack(const memory::desc &layout, char *weights) {
  memory given(memory::desc(layout.dims(), dtype, memory::format_tag::ba),
               engine, weights);
  storage.emplace_back(layout.get_size());
  memory packed(layout, engine, storage.back().data());
  dnnl::reorder(given, packed).execute(stream, given, packed);
  stream.wait();
  return packed;
}

void OneDnnSide::multiply(std::vector<memory> &weights,
                          const memory::desc &layout, int64_t e, int64_t rows,
                          const char *x, float *out) {
  memory::dims sizes = layout.dims();
  auto [place, fresh] = primitives.try_emplace({rows, sizes[1], threads});
  if (fresh)
    place->second = matmul(describe(rows, layout));
  memory from(memory::desc({rows, sizes[0]}, dtype, memory::format_tag::ab),
              engine, const_cast<char *>(x));
  memory to(memory::desc({rows, sizes[1]}, memory::data_type::f32,
                         memory::format_tag::ab),
            engine, out);
  place->second.execute(stream, {{DNNL_ARG_SRC, from},
                                 {DNNL_ARG_WEIGHTS, weights[e]},
                                 {DNNL_ARG_DST, to}});
  stream.wait();
}

Error OneDnnSide::run(const Batch &batch, char *y) {
  try {
    return ExpertLoop::run(batch, y);
  } catch (const dnnl::error &error) {
    return createStringError("oneDNN: %s", error.what());
  }
}

std::unique_ptr<Side> createOneDnnSide(const Problem &problem) {
  return std::make_unique<OneDnnSide>(problem);
}

std::string oneDnnVersion() {
  const dnnl_version_t *version = dnnl_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) +
         "." + std::to_string(version->patch);
}

} // namespace moe::bench

#else

namespace moe::bench {

std::unique_ptr<Side> createOneDnnSide(const Problem &) { return nullptr; }
std::string oneDnnVersion() { return ""; }

} // namespace moe::bench

#endif
