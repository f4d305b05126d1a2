//===- KernelBuilder.h - loops and index arithmetic in few words *- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CONVERSION_MOEKTOCPU_KERNELBUILDER_H
#define MOE_LIB_CONVERSION_MOEKTOCPU_KERNELBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moe {

/// Elements of a cache line.
inline int64_t elementsOfLine(mlir::Type element) {
  return 512 / element.getIntOrFloatBitWidth();
}

/// Builds loops over index values. Bodies are lambdas that emit at this
/// builder's position.
class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;
  using Value = mlir::Value;

  Value index(int64_t value);
  Value add(Value a, Value b);
  Value add(Value a, int64_t b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b);
  Value div(Value a, Value b);   ///< unsigned
  Value div(Value a, int64_t b); ///< unsigned
  Value rem(Value a, Value b);   ///< unsigned
  Value rem(Value a, int64_t b); ///< unsigned
  Value min(Value a, Value b);   ///< signed
  Value max(Value a, Value b);   ///< signed
  Value lessThan(Value a, Value b);
  /// ceil(a / b) of non-negative a.
  Value ceilDiv(Value a, Value b);
  Value ceilDiv(Value a, int64_t b);
  /// An i32 or index element of a memref, as an index (sign-extended).
  Value loadIndex(Value memref, mlir::ValueRange indices);
  Value zero(mlir::Type type);
  /// A float extended or rounded to `type`.
  Value convertFloat(Value value, mlir::Type type);

  /// for i in [lower, upper) by step: body(i).
  void loop(Value lower, Value upper, int64_t step,
            llvm::function_ref<void(Value)> body);
  void loop(Value upper, llvm::function_ref<void(Value)> body) {
    loop(index(0), upper, 1, body);
  }
  void loop(int64_t upper, llvm::function_ref<void(Value)> body) {
    loop(index(upper), body);
  }
  /// The same with one value carried from iteration to iteration.
  Value reduce(Value upper, Value init,
               llvm::function_ref<Value(Value i, Value state)> body);
  /// The same from `lower` by `step`, with any number of values.
  llvm::SmallVector<Value>
  iterate(Value lower, Value upper, int64_t step, mlir::ValueRange init,
          llvm::function_ref<llvm::SmallVector<Value>(Value i,
                                                      mlir::ValueRange state)>
              body);
  /// [0, count) in pieces of `size`, and what is left over in one of its own:
  /// body(first, size of the piece), once for each size.
  void tiles(Value count, int64_t size,
             llvm::function_ref<void(Value first, int64_t size)> body);
  void ifThen(Value condition, llvm::function_ref<void()> body);
  void ifElse(Value condition, llvm::function_ref<void()> body,
              llvm::function_ref<void()> other);
  /// One phase: body(i) for i in [0, count), in parallel.
  void parallel(Value count, llvm::function_ref<void(Value)> body);
};

} // namespace moe

#endif // MOE_LIB_CONVERSION_MOEKTOCPU_KERNELBUILDER_H
