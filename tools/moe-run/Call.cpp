//===- Call.cpp - a function with its arguments ---------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Call.h"

#include "Options.h"

using namespace llvm;

namespace moe::run {

ArrayRef<MoertArg> allArgs(const MoertEntry &entry) {
  return {entry.args, entry.n_args};
}

ArrayRef<MoertArg> arguments(const MoertEntry &entry) {
  return allArgs(entry).take_while(
      [](const MoertArg &arg) { return arg.role != MOERT_OUTPUT; });
}

ArrayRef<MoertArg> results(const MoertEntry &entry) {
  return allArgs(entry).drop_front(arguments(entry).size());
}

SmallVector<int64_t, 4> shapeOf(const MoertEntry &entry, const MoertArg &arg,
                                ArrayRef<int64_t> symbols) {
  SmallVector<int64_t, 4> shape;
  for (int32_t dim : ArrayRef(arg.dims, arg.rank))
    shape.push_back(dim < 0 ? symbols[~dim] : entry.sizes[dim]);
  return shape;
}

/// What the runtime sees of `views`; valid as long as they.
static SmallVector<MoertTensor> tensors(ArrayRef<TensorView> views) {
  return map_to_vector(views, asTensor);
}

Expected<Call> Call::create(const Function &function, const Context &context,
                            ArrayRef<TensorView> arguments,
                            ArrayRef<int64_t> symbols) {
  const MoertEntry &entry = function.entry();
  std::vector<TensorView> weights, inputs, outputs;
  for (auto [arg, view] : zip_equal(run::arguments(entry), arguments))
    (arg.role == MOERT_WEIGHT ? weights : inputs).push_back(view);
  Expected<BoundFunction> bound = function.bind(context, tensors(weights));
  if (!bound)
    return bound.takeError();
  for (const MoertArg &result : run::results(entry)) {
    Expected<TensorView> view = allocateTensor(
        static_cast<MoertDType>(result.dtype), shapeOf(entry, result, symbols));
    if (!view)
      return makeError("result '" + Twine(result.name) +
                       "': " + toString(view.takeError()));
    outputs.push_back(std::move(*view));
  }
  Call call(context, std::move(*bound));
  call.inputs = std::move(inputs);
  call.outputs = std::move(outputs);
  return call;
}

Error Call::run() const {
  return bound.call(context, tensors(inputs), tensors(outputs));
}

} // namespace moe::run
