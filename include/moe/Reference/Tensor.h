//===- Tensor.h - dense f64 and i32 tensors ---------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reference implementations of the ops are plain C++ on f64: no MLIR, no
// element types, no parallelism. They are written to be compared with their
// formulas line by line; every compiled form is tested against them.
//
// Conventions of this folder:
//  * Tensors are dense and row-major; an operand that may be absent is a
//    pointer, null where it is.
//  * Shapes are preconditions, stated with each function in the notation of
//    the formulas (T tokens, K slots a token, E experts, S rows, d and F
//    widths); they are not checked. Values are never a precondition: NaN and
//    infinities give what the formula gives, index operands follow the rules
//    stated with each function.
//  * An index of -1 stands for "not used". Elements without a specified value
//    (rows past the last expert's) are NaN, so that a test which reads one
//    notices.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_REFERENCE_TENSOR_H
#define MOE_REFERENCE_TENSOR_H

#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

namespace moe::reference {

using Shape = std::vector<int64_t>;

/// The product of the dimensions; 1 for rank 0.
inline int64_t elementCount(const Shape &shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1},
                         std::multiplies<int64_t>());
}

/// A dense row-major array that owns its elements.
template <typename Element> struct Array {
  Shape shape;
  std::vector<Element> data;

  Array() : Array(Shape{0}) {}
  explicit Array(Shape shape, Element fill = Element())
      : shape(std::move(shape)), data(elementCount(this->shape), fill) {}
  /// Precondition: `data` has as many elements as `shape` says.
  Array(Shape shape, std::vector<Element> data)
      : shape(std::move(shape)), data(std::move(data)) {}

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  int64_t size() const { return static_cast<int64_t>(data.size()); }
  int64_t dim(int64_t axis) const { return shape[axis]; }
  /// The size of the last dimension.
  int64_t cols() const { return shape.back(); }
  /// The product of all dimensions but the last.
  int64_t rows() const {
    return elementCount(Shape(shape.begin(), shape.end() - 1));
  }

  /// The first element of row `i` of the rows() x cols() matrix that the array
  /// is when its leading dimensions are taken as one.
  Element *row(int64_t i) { return data.data() + i * cols(); }
  const Element *row(int64_t i) const { return data.data() + i * cols(); }

  Element &operator()(int64_t i) { return data[i]; }
  Element operator()(int64_t i) const { return data[i]; }
  Element &operator()(int64_t i, int64_t j) { return data[i * shape[1] + j]; }
  Element operator()(int64_t i, int64_t j) const {
    return data[i * shape[1] + j];
  }
  Element &operator()(int64_t i, int64_t j, int64_t k) {
    return data[(i * shape[1] + j) * shape[2] + k];
  }
  Element operator()(int64_t i, int64_t j, int64_t k) const {
    return data[(i * shape[1] + j) * shape[2] + k];
  }

  /// The same elements under another shape of the same size.
  Array reshaped(Shape newShape) const {
    return Array(std::move(newShape), data);
  }

  /// Slice `i` of the first dimension: [a, ...] -> [...].
  Array slice(int64_t i) const {
    Shape rest(shape.begin() + 1, shape.end());
    auto begin = data.begin() + i * elementCount(rest);
    auto end = begin + elementCount(rest);
    return Array(std::move(rest), std::vector<Element>(begin, end));
  }
};

using Tensor = Array<double>;
using IndexTensor = Array<int32_t>;

} // namespace moe::reference

#endif // MOE_REFERENCE_TENSOR_H
