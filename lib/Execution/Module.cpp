//===- Module.cpp - compiled functions and how to call them ---------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moe/Execution/Module.h"

#include "Callbacks.h"
#include "ContextPool.h"
#include "moe/TensorFile/TensorFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace llvm;

namespace moe {

//===----------------------------------------------------------------------===//
// Errors and contexts
//===----------------------------------------------------------------------===//

char RuntimeError::ID;

void RuntimeError::log(raw_ostream &stream) const { stream << message; }

std::error_code RuntimeError::convertToErrorCode() const {
  return inconvertibleErrorCode();
}

Context::Context(MoertContext *context, std::unique_ptr<HostLoop> loop)
    : loop(std::move(loop)), handle(context) {}
Context::Context(Context &&) = default;
Context &Context::operator=(Context &&) = default;
Context::~Context() = default;

Expected<Context> Context::create(MoertContextOptions options) {
  options.size = sizeof options;
  std::unique_ptr<HostLoop> loop;
  if (options.parallel_for) {
    loop = std::make_unique<HostLoop>();
    loop->parallelFor = std::exchange(options.parallel_for, HostLoop::run);
    loop->user = std::exchange(options.user, loop.get());
  }
  MoertContext *context = nullptr;
  MoertStatus status = moert_context_create(&options, &context);
  if (status != MOERT_OK)
    return make_error<RuntimeError>(
        status,
        (Twine("cannot create a context: ") + moert_status_name(status)).str());
  return Context(context, std::move(loop));
}

Expected<Context> Context::create(unsigned threads) {
  MoertContextOptions options = {};
  options.threads = threads;
  return create(options);
}

Error Context::check(MoertStatus status) const {
  if (loop && !loop->thrown.empty())
    return make_error<RuntimeError>(
        status ? status : MOERT_INVALID_ARGUMENT,
        "the host's parallel_for has thrown: " +
            std::exchange(loop->thrown, "").substr(0, 200));
  if (status == MOERT_OK)
    return Error::success();
  const char *message = moert_message(handle.get());
  return make_error<RuntimeError>(status, *message ? message
                                                   : moert_status_name(status));
}

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

std::string describe(const MoertEntry &entry, const MoertArg &arg) {
  std::string text;
  raw_string_ostream stream(text);
  stream << moert_dtype_name(static_cast<MoertDType>(arg.dtype)) << '[';
  interleaveComma(ArrayRef(arg.dims, arg.rank), stream, [&](int32_t dim) {
    if (dim < 0)
      stream << entry.symbols[~dim];
    else
      stream << entry.sizes[dim];
  });
  stream << ']';
  return text;
}

SmallVector<const MoertArg *> Function::args(MoertRole role) const {
  SmallVector<const MoertArg *> result;
  for (const MoertArg &arg : ArrayRef(descriptor->args, descriptor->n_args))
    if (arg.role == role)
      result.push_back(&arg);
  return result;
}

std::string Function::signature() const {
  std::string text;
  raw_string_ostream stream(text);
  auto print = [&](const MoertArg &arg) {
    stream << arg.name << ": " << (arg.role == MOERT_WEIGHT ? "weight " : "")
           << describe(*descriptor, arg);
  };
  ArrayRef<MoertArg> all(descriptor->args, descriptor->n_args);
  ArrayRef<MoertArg> arguments = all.take_while(
      [](const MoertArg &arg) { return arg.role != MOERT_OUTPUT; });
  stream << name() << '(';
  interleaveComma(arguments, stream, print);
  stream << ") -> (";
  interleaveComma(all.drop_front(arguments.size()), stream, print);
  stream << ')';
  return text;
}

MoertTensor asTensor(const TensorView &view) {
  MoertTensor tensor = {};
  tensor.data = const_cast<char *>(view.data);
  tensor.shape = view.shape.data();
  tensor.dtype = view.dtype;
  tensor.rank = view.shape.size();
  return tensor;
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

Module::Module(std::shared_ptr<const void> code,
               ArrayRef<const MoertEntry *> entries, CompileTimes times)
    : compileTimes(times) {
  for (const MoertEntry *entry : entries)
    loaded.push_back(Function(code, entry));
}

Expected<Function> Module::lookup(StringRef name) const {
  for (const Function &function : loaded)
    if (function.name() == name)
      return function;
  std::string names =
      join(map_range(loaded, [](const Function &f) { return f.name(); }), ", ");
  return createStringError(inconvertibleErrorCode(),
                           "no function '" + name + "'; there is: " + names);
}

//===----------------------------------------------------------------------===//
// Binding and calling
//===----------------------------------------------------------------------===//

struct BoundFunction::State {
  std::shared_ptr<const void> code;
  const MoertEntry *entry;
  ArrayRef<char> blob;
  std::unique_ptr<void, decltype(&std::free)> owned{nullptr, std::free};
};

Expected<BoundFunction> Function::bind(ArrayRef<MoertTensor> weights) const {
  Expected<PooledContext> context = PooledContext::take();
  return context ? bind(**context, weights) : context.takeError();
}

Expected<BoundFunction> Function::bind(const Context &context,
                                       ArrayRef<MoertTensor> weights) const {
  auto state = std::make_shared<BoundFunction::State>();
  state->code = code;
  state->entry = descriptor;
  uint64_t bytes = moert_packed_bytes(descriptor);
  state->owned.reset(
      std::aligned_alloc(MOERT_ALIGNMENT, alignTo(bytes, MOERT_ALIGNMENT)));
  if (!state->owned)
    return make_error<RuntimeError>(
        MOERT_OUT_OF_MEMORY,
        (name() + ": no memory for " + Twine(bytes) + " bytes of weights")
            .str());
  if (Error error =
          context.check(moert_prepare(context.get(), descriptor, weights.data(),
                                      weights.size(), state->owned.get())))
    return std::move(error);
  state->blob = {static_cast<const char *>(state->owned.get()), bytes};
  return BoundFunction(std::move(state));
}

Expected<BoundFunction> Function::bindBlob(ArrayRef<char> blob) const {
  Expected<PooledContext> context = PooledContext::take();
  if (!context)
    return context.takeError();
  if (Error error = (*context)->check(moert_check_packed(
          (*context)->get(), descriptor, blob.data(), blob.size())))
    return std::move(error);
  auto state = std::make_shared<BoundFunction::State>();
  state->code = code;
  state->entry = descriptor;
  state->blob = blob;
  return BoundFunction(std::move(state));
}

Expected<SmallVector<int64_t>>
Function::bindSymbols(ArrayRef<MoertTensor> tensors) const {
  Expected<PooledContext> context = PooledContext::take();
  if (!context)
    return context.takeError();
  SmallVector<int64_t> symbols(descriptor->n_symbols);
  if (Error error = (*context)->check(
          moert_bind_symbols((*context)->get(), descriptor, tensors.data(),
                             tensors.size(), symbols.data())))
    return std::move(error);
  return symbols;
}

Expected<uint64_t> Function::workspaceBytes(ArrayRef<int64_t> symbols) const {
  Expected<PooledContext> context = PooledContext::take();
  if (!context)
    return context.takeError();
  if (symbols.size() != descriptor->n_symbols)
    return make_error<RuntimeError>(
        MOERT_INVALID_ARGUMENT,
        (name() + ": expected " + Twine(descriptor->n_symbols) +
         " named dimensions, got " + Twine(symbols.size()))
            .str());
  uint64_t bytes = 0;
  if (Error error = (*context)->check(moert_workspace_bytes(
          (*context)->get(), descriptor, symbols.data(), &bytes)))
    return std::move(error);
  return bytes;
}

const MoertEntry &BoundFunction::entry() const { return *state->entry; }

ArrayRef<char> BoundFunction::blob() const { return state->blob; }

Error BoundFunction::callAll(const Context *context,
                             ArrayRef<MoertTensor> tensors, void *workspace,
                             uint64_t workspaceBytes) const {
  auto run = [&](const Context &context) {
    return context.check(moert_call(context.get(), state->entry, tensors.data(),
                                    tensors.size(), state->blob.data(),
                                    workspace, workspaceBytes));
  };
  if (context)
    return run(*context);
  Expected<PooledContext> pooled = PooledContext::take();
  return pooled ? run(**pooled) : pooled.takeError();
}

/// Inputs and outputs in one array.
static SmallVector<MoertTensor, 8> concat(ArrayRef<MoertTensor> inputs,
                                          ArrayRef<MoertTensor> outputs) {
  SmallVector<MoertTensor, 8> tensors(inputs);
  tensors.append(outputs.begin(), outputs.end());
  return tensors;
}

Error BoundFunction::call(const Context &context, ArrayRef<MoertTensor> inputs,
                          ArrayRef<MoertTensor> outputs,
                          MutableArrayRef<char> workspace) const {
  return callAll(&context, concat(inputs, outputs),
                 workspace.empty() ? nullptr : workspace.data(),
                 workspace.size());
}

Error BoundFunction::call(ArrayRef<MoertTensor> inputs,
                          ArrayRef<MoertTensor> outputs) const {
  return callAll(nullptr, concat(inputs, outputs));
}

} // namespace moe
