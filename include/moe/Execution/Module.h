//===- Module.h - compiled functions and how to call them -------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All classes here are handles: cheap to copy, and each keeps alive what it
// needs. A Function stays valid when its Module is gone, a BoundFunction when
// its Function is.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_EXECUTION_MODULE_H
#define MOE_EXECUTION_MODULE_H

#include "moert/moert.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace moe {

struct HostLoop;
struct TensorView;

/// A status of the runtime that is not MOERT_OK, and its message.
class RuntimeError : public llvm::ErrorInfo<RuntimeError> {
public:
  static char ID;
  RuntimeError(MoertStatus status, std::string message)
      : code(status), message(std::move(message)) {}
  MoertStatus status() const { return code; }
  void log(llvm::raw_ostream &stream) const override;
  std::error_code convertToErrorCode() const override;

private:
  MoertStatus code;
  std::string message;
};

/// Seconds that the steps of a compilation took.
struct CompileTimes {
  double parse = 0;       ///< Reading and verifying the source.
  double lower = 0;       ///< The pipeline, to the llvm dialect.
  double codegen = 0;     ///< LLVM: optimisation and machine code.
  double link = 0;        ///< Loading the code into the process.
  bool fromCache = false; ///< The code was there already.
  double total() const { return parse + lower + codegen + link; }
};

/// An owned MoertContext: the threads of one call at a time.
class Context {
public:
  /// Threads as in MoertContextOptions: 0 is what the machine allows.
  static llvm::Expected<Context> create(unsigned threads = 0);
  /// With a host's own pool; `options.size` may be left 0.
  static llvm::Expected<Context> create(MoertContextOptions options);
  Context(Context &&);
  Context &operator=(Context &&);
  ~Context();

  MoertContext *get() const { return handle.get(); }
  unsigned threads() const { return moert_threads(handle.get()); }
  /// Success, or the error that the last call on this context left.
  llvm::Error check(MoertStatus status) const;

private:
  struct Destroy {
    void operator()(MoertContext *context) const {
      moert_context_destroy(context);
    }
  };
  Context(MoertContext *context, std::unique_ptr<HostLoop> loop);
  std::unique_ptr<HostLoop> loop; // of a host's own pool
  std::unique_ptr<MoertContext, Destroy> handle;
};

/// A function with its weights packed. Calls may run at the same time.
class BoundFunction {
public:
  const MoertEntry &entry() const;

  /// Runs the function on `inputs` (arguments that are not weights, in order)
  /// and writes `outputs`, which the caller owns and which overlap nothing
  /// else. Shapes and dtypes are checked first. The threads are those of a
  /// context that this object keeps for the duration of a call.
  llvm::Error call(llvm::ArrayRef<MoertTensor> inputs,
                   llvm::ArrayRef<MoertTensor> outputs) const;
  /// The same on the context's threads, with the caller's workspace unless it
  /// is empty: MOERT_ALIGNMENT-aligned, as large as workspaceBytes says.
  llvm::Error call(const Context &context, llvm::ArrayRef<MoertTensor> inputs,
                   llvm::ArrayRef<MoertTensor> outputs,
                   llvm::MutableArrayRef<char> workspace = {}) const;
  /// The same without a copy of anything: inputs, then outputs, in one array.
  /// `context` and `workspace` may be null.
  llvm::Error callAll(const Context *context,
                      llvm::ArrayRef<MoertTensor> tensors,
                      void *workspace = nullptr,
                      uint64_t workspaceBytes = 0) const;

  /// The packed weights: header and payload.
  llvm::ArrayRef<char> blob() const;

private:
  friend class Function;
  struct State;
  explicit BoundFunction(std::shared_ptr<const State> state)
      : state(std::move(state)) {}
  std::shared_ptr<const State> state;
};

/// A compiled function.
class Function {
public:
  llvm::StringRef name() const { return descriptor->name; }
  /// Arguments and results: names, dtypes, shapes, named dimensions. Valid as
  /// long as this object or a copy.
  const MoertEntry &entry() const { return *descriptor; }
  /// The arguments of that role, in order.
  llvm::SmallVector<const MoertArg *> args(MoertRole role) const;
  /// "main(x: f32[T, 64], w: weight f32[64, 8]) -> (y: f32[T, 8])".
  std::string signature() const;

  /// Packs the weights (arguments of role weight, in order). They may be freed
  /// afterwards. With no weight arguments, `weights` is empty.
  llvm::Expected<BoundFunction>
  bind(llvm::ArrayRef<MoertTensor> weights = {}) const;
  llvm::Expected<BoundFunction> bind(const Context &context,
                                     llvm::ArrayRef<MoertTensor> weights) const;
  /// Takes weights that were packed before: what blob() of a function bound to
  /// the same code returned, for instance out of a mapped file. They are not
  /// copied: MOERT_ALIGNMENT-aligned, there and unchanged as long as the result
  /// or a copy. An error for another function's, or another CPU's.
  llvm::Expected<BoundFunction> bindBlob(llvm::ArrayRef<char> blob) const;

  /// The sizes of the named dimensions, in the entry's order, for `tensors`,
  /// whose data may be null: inputs and then outputs, or inputs alone, which
  /// leaves -1 where only an output has that dimension.
  llvm::Expected<llvm::SmallVector<int64_t>>
  bindSymbols(llvm::ArrayRef<MoertTensor> tensors) const;
  /// Bytes of workspace that a call with these sizes needs.
  llvm::Expected<uint64_t>
  workspaceBytes(llvm::ArrayRef<int64_t> symbols) const;

private:
  friend class Module;
  Function(std::shared_ptr<const void> code, const MoertEntry *descriptor)
      : code(std::move(code)), descriptor(descriptor) {}
  std::shared_ptr<const void> code; // what `descriptor` points into
  const MoertEntry *descriptor;
};

/// "f32[T, 64]" of an argument of `entry`.
std::string describe(const MoertEntry &entry, const MoertArg &arg);

/// The tensor that the runtime sees; valid as long as `view`. It writes through
/// it only where it stands for an output.
MoertTensor asTensor(const TensorView &view);

/// The public functions of a source, compiled and loaded.
class Module {
public:
  llvm::ArrayRef<Function> functions() const { return loaded; }
  /// The function called `name`; an error that lists those there are.
  llvm::Expected<Function> lookup(llvm::StringRef name) const;
  const CompileTimes &times() const { return compileTimes; }

private:
  friend class Compiler;
  Module(std::shared_ptr<const void> code,
         llvm::ArrayRef<const MoertEntry *> entries, CompileTimes times);
  std::vector<Function> loaded;
  CompileTimes compileTimes;
};

} // namespace moe

#endif // MOE_EXECUTION_MODULE_H
