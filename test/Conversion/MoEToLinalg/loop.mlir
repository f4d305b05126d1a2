// RUN: moe-opt %s --convert-moe-to-linalg --canonicalize | FileCheck %s

// Angles in f64, rounded once; cos in the first half, sin in the second.

// CHECK-LABEL: func.func @iter_encode(
// CHECK-DAG:     %[[PERIOD:.*]] = arith.constant 1.000000e+02 : f64
// CHECK-DAG:     %[[HALF:.*]] = arith.constant 2 : index
// CHECK-DAG:     %[[MINUS_HALF:.*]] = arith.constant -2.000000e+00 : f64
// CHECK:         %[[K:.*]] = arith.sitofp %{{.*}} : i64 to f64
// CHECK:         linalg.generic
// CHECK:           %[[AT:.*]] = linalg.index 0
// CHECK:           arith.remui %[[AT]], %[[HALF]]
// CHECK:           %[[I:.*]] = arith.sitofp
// CHECK:           %[[POWER:.*]] = arith.divf %[[I]], %[[MINUS_HALF]]
// CHECK:           %[[FREQUENCY:.*]] = math.powf %[[PERIOD]], %[[POWER]]
// CHECK:           %[[ANGLE:.*]] = arith.mulf %[[K]], %[[FREQUENCY]]
// CHECK:           %[[FIRST:.*]] = arith.cmpi ult, %[[AT]], %[[HALF]]
// CHECK-DAG:       %[[COS:.*]] = math.cos %[[ANGLE]]
// CHECK-DAG:       %[[SIN:.*]] = math.sin %[[ANGLE]]
// CHECK:           %[[CODE:.*]] = arith.select %[[FIRST]], %[[COS]], %[[SIN]]
// CHECK:           arith.truncf %[[CODE]] : f64 to bf16
func.func @iter_encode(%k: index) -> tensor<4xbf16> {
  %code = moe.iter_encode %k {max_period = 100.0 : f64} : tensor<4xbf16>
  return %code : tensor<4xbf16>
}

// A loop stays one: it knows the sizes of its state. Its body is converted.

// CHECK-LABEL: func.func @body(
// CHECK:         moe.loop
// CHECK:           linalg.generic
// CHECK-NOT:       moe.one_hot
// CHECK:           moe.yield
func.func @body(%x: tensor<?x4xf32>, %i: tensor<?xi32>) -> tensor<?x4xf32> {
  %two = arith.constant 2 : index
  %y = moe.loop %two init(%x : tensor<?x4xf32>) {
  ^bb0(%k: index, %h: tensor<?x4xf32>):
    %next = moe.one_hot %i : tensor<?xi32> -> tensor<?x4xf32>
    moe.yield %next : tensor<?x4xf32>
  } -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
