//===- Dlpack.h - the parts of DLPack's C interface in use ------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layout of DLPack 1.x's exchange API, which a type offers as the capsule
// `__dlpack_c_exchange_api__`. Nanobind has the tensors, not these functions.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_PYTHON_DLPACK_H
#define MOE_PYTHON_DLPACK_H

#include <cstdint>

namespace moe::python {

struct DLPackVersion {
  uint32_t major, minor;
};

struct DLDevice {
  int32_t type, id; ///< type 1 is a CPU
};

struct DLDataType {
  uint8_t code, bits;
  uint16_t lanes;
};

enum DLCode : uint8_t {
  DL_INT = 0,
  DL_UINT = 1,
  DL_FLOAT = 2,
  DL_BFLOAT = 4,
  DL_BOOL = 6,
  DL_F8E8M0 = 14,
};

struct DLTensor {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape;
  int64_t *strides; ///< in elements; null: dense row-major
  uint64_t byte_offset;
};

struct DLManagedTensorVersioned {
  DLPackVersion version;
  void *manager_ctx;
  void (*deleter)(DLManagedTensorVersioned *self);
  uint64_t flags;
  DLTensor dl_tensor;
};

struct DLPackExchangeAPI {
  DLPackVersion version;
  DLPackExchangeAPI *older;
  int (*allocate)(DLTensor *prototype, DLManagedTensorVersioned **out,
                  void *error_ctx,
                  void (*set_error)(void *error_ctx, const char *kind,
                                    const char *message));
  int (*managed_from_object)(void *object, DLManagedTensorVersioned **out);
  int (*managed_to_object)(DLManagedTensorVersioned *tensor, void **out);
  int (*tensor_from_object)(void *object, DLTensor *out); ///< may be null
  int (*current_stream)(int32_t device_type, int32_t device_id, void **out);
};

} // namespace moe::python

#endif // MOE_PYTHON_DLPACK_H
