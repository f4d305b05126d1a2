//===- GoldenTest.cpp - the reference against other people's numbers ------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints one line a float result: case, result, largest row error.
//
//===----------------------------------------------------------------------===//

#include "Golden.h"
#include "TestSupport.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdio>
#include <filesystem>
#include <set>

using namespace moe;
using namespace moe::reference;

static const char *const goldenFolder = MOE_TEST_DATA_DIR "/golden";

/// Ends the program: without its data no test of this file means anything.
[[noreturn]] static void fail(const std::string &message) {
  llvm::report_fatal_error(message.c_str(), /*gen_crash_diag=*/false);
}

template <typename T> static T unwrap(llvm::Expected<T> value) {
  if (!value)
    fail(llvm::toString(value.takeError()));
  return std::move(*value);
}

static llvm::json::Value readJson(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    fail(path + ": " + buffer.getError().message());
  return unwrap(llvm::json::parse((*buffer)->getBuffer()));
}

static Tensor toTensor(const TensorView &view) {
  Tensor result(Shape(view.shape.begin(), view.shape.end()));
  for (int64_t i = 0; i < result.size(); ++i)
    result(i) = readElement(view, i);
  return result;
}

static IndexTensor toIndices(const TensorView &view) {
  IndexTensor result(Shape(view.shape.begin(), view.shape.end()));
  for (int64_t i = 0; i < result.size(); ++i)
    result(i) = static_cast<int32_t>(readElement(view, i));
  return result;
}

/// The inputs of a case: one file, or shards with an index.
static std::string inputsOf(const std::string &folder) {
  std::string file = folder + "/inputs.safetensors";
  std::string index = file + ".index.json";
  return std::filesystem::exists(index) ? index : file;
}

GoldenCase::GoldenCase(const std::string &name)
    : folder(std::string(goldenFolder) + "/" + name),
      description(readJson(folder + "/case.json")),
      inputs(unwrap(Safetensors::open(inputsOf(folder)))) {
  std::set<std::string> described, stored;
  for (const auto &entry : *description.getAsObject()->getObject("inputs"))
    described.insert(entry.first.str());
  for (const Safetensors::Entry &entry : inputs.entries())
    stored.insert(entry.name);
  EXPECT_EQ(stored, described) << inputsOf(folder);
}

int64_t GoldenCase::dim(const std::string &name) const {
  if (auto value =
          description.getAsObject()->getObject("dims")->getInteger(name))
    return *value;
  fail(folder + ": no dimension " + name);
}

bool GoldenCase::has(const std::string &input) const {
  return inputs.find(input) != nullptr;
}

Tensor GoldenCase::tensor(const std::string &input) const {
  if (const TensorView *view = inputs.find(input))
    return toTensor(*view);
  fail(folder + ": no input " + input);
}

IndexTensor GoldenCase::indices(const std::string &input) const {
  const TensorView *view = inputs.find(input);
  if (view && view->dtype == MOERT_I32)
    return toIndices(*view);
  fail(folder + ": no i32 input " + input);
}

void GoldenCase::give(const std::string &result, Tensor value) {
  floats[result] = std::move(value);
}

void GoldenCase::give(const std::string &result, IndexTensor value) {
  integers[result] = std::move(value);
}

/// Compares one float result; returns its largest row error.
static double checkFloat(const Tensor &actual, const Tensor &expected,
                         const llvm::json::Object &result) {
  double error = rowError(actual, expected);
  if (result.getString("run") == llvm::StringRef("f64")) {
    EXPECT_LE(error, 1e-12);
  } else {
    // Stored from an f32 run: within its measured absolute error.
    double tolerance = 10 * result.getNumber("tolerance").value();
    EXPECT_LT(error, inf);
    for (int64_t i = 0; error < inf && i < expected.size(); ++i)
      EXPECT_NEAR(actual(i), expected(i), tolerance) << "element " << i;
  }
  return error;
}

std::map<std::string, double> GoldenCase::check() const {
  Safetensors expected =
      unwrap(Safetensors::open(folder + "/expected.safetensors"));
  std::map<std::string, double> errors;
  std::set<std::string> described;
  for (const llvm::json::Value &value :
       *description.getAsObject()->getArray("results")) {
    const llvm::json::Object &result = *value.getAsObject();
    std::string name = result.getString("name")->str();
    SCOPED_TRACE(name);
    described.insert(name);
    const TensorView *view = expected.find(name);
    if (!view)
      ADD_FAILURE() << "not in expected.safetensors";
    else if (integers.count(name) && view->dtype == MOERT_I32)
      expectSame(integers.at(name), toIndices(*view));
    else if (floats.count(name) && view->dtype != MOERT_I32)
      errors[name] = checkFloat(floats.at(name), toTensor(*view), result);
    else
      ADD_FAILURE() << "not computed";
  }
  EXPECT_EQ(expected.entries().size(), described.size());
  EXPECT_EQ(floats.size() + integers.size(), described.size());
  return errors;
}

/// All of them.
static std::vector<GoldenComposition> goldenCompositions() {
  std::vector<GoldenComposition> all = layerCompositions();
  for (const auto &part : {routerCompositions(), moduleCompositions()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

namespace {
class GoldenTest : public testing::TestWithParam<GoldenComposition> {};
} // namespace

TEST_P(GoldenTest, agrees) {
  GoldenCase data(GetParam().name);
  GetParam().compute(data);
  for (const auto &[result, error] : data.check())
    std::printf("%-34s %-16s %.1e\n", GetParam().name, result.c_str(), error);
}

INSTANTIATE_TEST_SUITE_P(Reference, GoldenTest,
                         testing::ValuesIn(goldenCompositions()),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

TEST(GoldenData, everyCaseHasAComposition) {
  std::set<std::string> folders, compositions;
  for (const auto &entry : std::filesystem::directory_iterator(goldenFolder))
    if (entry.is_directory())
      folders.insert(entry.path().filename().string());
  for (const GoldenComposition &composition : goldenCompositions())
    compositions.insert(composition.name);
  EXPECT_EQ(folders, compositions);
}
