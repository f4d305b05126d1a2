// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// The attributes of arguments and results, and where each may stand.

// CHECK-LABEL: func.func private @layer(
// CHECK-SAME:    tensor<?x64xf32> {moe.dims = ["T", ""], moe.name = "x"},
// CHECK-SAME:    tensor<64x8xf32> {moe.name = "w_router", moe.weight})
// CHECK-SAME:    -> (tensor<?x8xf32> {moe.dims = ["T", ""], moe.name = "logits"})
func.func private @layer(
    tensor<?x64xf32> {moe.name = "x", moe.dims = ["T", ""]},
    tensor<64x8xf32> {moe.name = "w_router", moe.weight})
    -> (tensor<?x8xf32> {moe.name = "logits", moe.dims = ["T", ""]})

// A dynamic dimension needs no name, a weight may name none of its dimensions.
// CHECK-LABEL: func.func private @unnamed(
// CHECK-SAME:    tensor<?x?xf32> {moe.dims = ["", "N"]}, tensor<4x2xf32> {moe.dims = ["", ""], moe.weight})
func.func private @unnamed(
    tensor<?x?xf32> {moe.dims = ["", "N"]}, tensor<4x2xf32> {moe.weight, moe.dims = ["", ""]})

// Scalars have a name and no dimensions.
// CHECK-LABEL: func.func private @scalars(
// CHECK-SAME:    f32 {moe.dims = [], moe.name = "temperature"}, index {moe.name = "trips"},
// CHECK-SAME:    tensor<f32> {moe.dims = [], moe.weight})
func.func private @scalars(
    f32 {moe.name = "temperature", moe.dims = []}, index {moe.name = "trips"},
    tensor<f32> {moe.dims = [], moe.weight})
