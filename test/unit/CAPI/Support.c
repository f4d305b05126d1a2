/*===- Support.c - what the tests in C share -----------------------------===*\
|* Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
\*===----------------------------------------------------------------------===*/

#include "Support.h"

#include <stdlib.h>

char report[1024];

const char source[] =
    "func.func @scale(%x: tensor<?x4xf32> {moe.name = \"x\", moe.dims = "
    "[\"T\", "
    "\"\"]}, %w: tensor<4xf32> {moe.name = \"w\", moe.weight})\n"
    "    -> (tensor<?x4xf32> {moe.name = \"y\", moe.dims = [\"T\", \"\"]}) {\n"
    "  %c0 = arith.constant 0 : index\n"
    "  %t = tensor.dim %x, %c0 : tensor<?x4xf32>\n"
    "  %empty = tensor.empty(%t) : tensor<?x4xf32>\n"
    "  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, "
    "affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types "
    "= [\"parallel\", \"parallel\"]}\n"
    "      ins(%x, %w : tensor<?x4xf32>, tensor<4xf32>) outs(%empty : "
    "tensor<?x4xf32>) {\n"
    "  ^bb0(%a: f32, %b: f32, %c: f32):\n"
    "    %p = arith.mulf %a, %b : f32\n"
    "    linalg.yield %p : f32\n"
    "  } -> tensor<?x4xf32>\n"
    "  return %y : tensor<?x4xf32>\n"
    "}\n"
    "func.func @same(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
    "  return %x : tensor<2xf32>\n"
    "}\n";

const size_t sourceSize = sizeof source - 1;

const float weights[4] = {1, 10, 100, 1000};
const int64_t weightShape[1] = {4}, rowShape[2] = {2, 4};

MoertTensor tensorOf(const void *data, const int64_t *shape, int rank) {
  MoertTensor tensor;
  memset(&tensor, 0, sizeof tensor);
  tensor.data = (void *)data;
  tensor.shape = shape;
  tensor.dtype = MOERT_F32;
  tensor.rank = (uint8_t)rank;
  return tensor;
}

MoeBound *bindScale(void) {
  MoeCompiler *compiler = NULL;
  MoeModule *module = NULL;
  MoeFunction *function = NULL;
  MoeBound *bound = NULL;
  MoertTensor weight = tensorOf(weights, weightShape, 1);
  if (moe_compiler_create(NULL, &compiler) == MOE_OK &&
      moe_compile(compiler, source, sourceSize, NULL, &module) == MOE_OK &&
      moe_module_lookup(module, "scale", &function) == MOE_OK)
    moe_bind(function, NULL, &weight, 1, &bound);
  moe_compiler_destroy(compiler);
  moe_module_destroy(module);
  moe_function_destroy(function);
  return bound;
}

static MoeStatus callRows(const MoeBound *bound, MoeContext *context,
                          int64_t rows, void *workspace, uint64_t bytes) {
  float *x = malloc((size_t)rows * 32), *y = x + rows * 4;
  int64_t shape[2], i;
  MoertTensor tensors[2];
  MoeStatus status;
  shape[0] = rows;
  shape[1] = 4;
  for (i = 0; i < rows * 4; ++i) {
    x[i] = (float)i;
    y[i] = -1;
  }
  tensors[0] = tensorOf(x, shape, 2);
  tensors[1] = tensorOf(y, shape, 2);
  status = moe_call(bound, context, tensors, 2, workspace, bytes);
  for (i = 0; status == MOE_OK && i < rows * 4; ++i)
    if (y[i] != x[i] * weights[i % 4])
      status = MOERT_INTERNAL;
  free(x);
  return status;
}

MoeStatus callScale(const MoeBound *bound, MoeContext *context, void *workspace,
                    uint64_t bytes) {
  return callRows(bound, context, 2, workspace, bytes);
}

MoeStatus callLarge(const MoeBound *bound, MoeContext *context) {
  return callRows(bound, context, 20000, NULL, 0);
}
