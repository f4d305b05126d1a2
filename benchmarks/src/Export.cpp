//===- Export.cpp - inputs and references for other programs --------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include "llvm/Support/FileSystem.h"

using namespace llvm;

namespace moe::bench {

/// Writes bytes to a file.
static Error writeFile(const std::string &path, const void *data,
                       size_t bytes) {
  std::error_code code;
  raw_fd_ostream file(path, code);
  if (!code) {
    file.write(static_cast<const char *>(data), bytes);
    file.close();
    code = file.error();
    file.clear_error();
  }
  if (code)
    return createStringError(code, path + ": " + code.message());
  return Error::success();
}

Error Bench::exportInputs() {
  std::string folder = options.exportTo + "/";
  if (std::error_code code = sys::fs::create_directories(options.exportTo))
    return createStringError(code, options.exportTo + ": " + code.message());
  Error error = Error::success();
  auto write = [&](const Twine &name, const void *data, size_t bytes) {
    if (!error)
      error = writeFile((folder + name).str(), data, bytes);
  };
  auto writeValues = [&](const Twine &name, const auto &values) {
    write(name, values.data(), values.size() * sizeof(values[0]));
  };
  const std::pair<const char *, const Buffer &> weights[] = {
      {"gate", problem.gate},      {"up", problem.up},
      {"down", problem.down},      {"gate_bias", problem.gateBias},
      {"up_bias", problem.upBias}, {"down_bias", problem.downBias}};
  for (auto &[name, buffer] : weights)
    if (buffer.bytes())
      write(name, buffer.data(), buffer.bytes());

  std::string manifest;
  raw_string_ostream text(manifest);
  json::OStream json(text, 1);
  json.objectBegin();
  const Layer &layer = problem.layer;
  json.attribute("shape", layer.name);
  json.attribute("dtype", moert_dtype_name(problem.dtype));
  for (auto [name, size] : {std::pair("d", layer.d),
                            {"F", layer.F},
                            {"E", layer.E},
                            {"K", layer.K}})
    json.attribute(name, size);
  json.attribute("gpt_oss", layer.gptOss);
  json.attribute("tolerance", tolerance(problem.dtype));
  json.attribute("expert_bytes", int64_t(problem.expertBytes()));
  json.attributeArray("cells", [&] {
    for (auto [routing, tokens] : options.cells) {
      Cell cell = createCell(tokens, routing);
      std::string name = (stringify(routing) + "-" + Twine(tokens)).str();
      for (auto [i, batch] : enumerate(cell.batches)) {
        std::string prefix = name + "." + std::to_string(i);
        write(prefix + ".x", batch.x.data(), batch.x.bytes());
        writeValues(prefix + ".logits", batch.logits);
        writeValues(prefix + ".indices", batch.indices);
        writeValues(prefix + ".weights", batch.weights);
      }
      writeValues(name + ".rows", cell.reference.tokens);
      writeValues(name + ".reference", cell.reference.values);
      json.object([&] {
        json.attribute("name", name);
        json.attribute("tokens", cell.tokens);
        json.attribute("routing", stringify(cell.routing));
        json.attribute("batches", int64_t(cell.batches.size()));
        json.attribute("experts_hit", cell.expertsHit);
      });
    }
  });
  json.objectEnd();
  if (error)
    return error;
  return writeFile(folder + "manifest.json", manifest.data(), manifest.size());
}

} // namespace moe::bench
