//===- Files.cpp - tensors from files, and back into them -----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Files.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace moe::run {

Expected<TensorView> readTensor(const TensorPlace &place) {
  if (place.isNpy())
    return readNpy(place.file);
  Expected<Safetensors> file = Safetensors::open(place.file);
  if (!file)
    return file.takeError();
  if (!place.tensor.empty())
    return file->get(place.tensor);
  if (file->entries().size() == 1)
    return file->entries().front().view;
  return makeError("--input=" + place.text + ": holds " +
                   Twine(file->entries().size()) +
                   " tensors; name one of them: " + place.file + ":TENSOR");
}

Expected<OutputFiles> OutputFiles::plan(ArrayRef<TensorPlace> places,
                                        ArrayRef<StringRef> names,
                                        ArrayRef<MoertDType> dtypes) {
  if (places.size() > names.size())
    return makeError("--output=" + places[names.size()].text +
                     ": the function has only " + Twine(names.size()) +
                     " results");
  OutputFiles plan;
  for (auto [i, place] : enumerate(places)) {
    bool npy = place.isNpy();
    if (npy && (dtypes[i] == MOERT_BF16 || dtypes[i] == MOERT_F8E8M0))
      return makeError("--output=" + place.text + ": npy cannot hold " +
                       moert_dtype_name(dtypes[i]) + ", the type of result '" +
                       names[i] + "'; write a .safetensors file");
    auto file = find_if(plan.files, [&place = place](const File &file) {
      return file.path == place.file;
    });
    if (file == plan.files.end()) {
      if (Error error = tools::checkWritable(place.file))
        return std::move(error);
      file = plan.files.insert(file, File{place.file, {}});
    } else if (npy) {
      return makeError("--output=" + place.text + ": given twice");
    }
    std::string name = place.tensor.empty() ? names[i].str() : place.tensor;
    for (const auto &[other, result] : file->tensors)
      if (other == name)
        return makeError("--output=" + place.text + ": '" + name +
                         "' stands for result '" + names[result] + "' already");
    file->tensors.emplace_back(std::move(name), i);
  }
  return plan;
}

Error OutputFiles::write(ArrayRef<TensorView> results) const {
  for (const File &file : files) {
    std::vector<Safetensors::Entry> entries;
    for (const auto &[name, result] : file.tensors)
      entries.push_back({name, results[result]});
    Error error = StringRef(file.path).ends_with(".npy")
                      ? writeNpy(file.path, entries.front().view)
                      : writeSafetensors(file.path, entries);
    if (error)
      return error;
  }
  return Error::success();
}

} // namespace moe::run
