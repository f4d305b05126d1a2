// RUN: moe-opt %s --moe-decompose --canonicalize --cse | FileCheck %s

// One product for the token, one for scale, shift and gate together.

// CHECK-LABEL: func.func @adaln(
// CHECK-SAME:    %[[H:.*]]: tensor<?x8xbf16>, %[[V:.*]]: tensor<4xf32>, %[[PROJECT:.*]]: tensor<8x4xbf16>, %[[MODULATE:.*]]: tensor<4x24xbf16>, %[[BIAS:.*]]: tensor<24xbf16>)
// CHECK-DAG:     %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK:         %[[PROJECTED:.*]] = linalg.matmul ins(%[[H]], %[[PROJECT]] : {{.*}}) outs(%{{.*}} : tensor<?x4xf32>)
// CHECK:         %[[CODE:.*]] = linalg.generic {{.*}} ins(%[[PROJECTED]], %[[V]] :
// CHECK:           arith.maximumf
// CHECK:         %[[PRODUCT:.*]] = linalg.matmul ins(%[[CODE]], %[[MODULATE]] : {{.*}}) outs(%{{.*}} : tensor<?x24xf32>)
// CHECK:         %[[ALL:.*]] = linalg.generic {{.*}} ins(%[[PRODUCT]], %[[BIAS]] :
// CHECK:         arith.subf
// CHECK:         math.sqrt
// CHECK:         %[[NORMED:.*]] = linalg.generic
// CHECK:           arith.divf
// CHECK:         %[[GAMMA:.*]] = tensor.extract_slice %[[ALL]][0, 0]
// CHECK:         %[[BETA:.*]] = tensor.extract_slice %[[ALL]][0, 8]
// CHECK:         %[[N:.*]] = linalg.generic {{.*}} ins(%[[NORMED]], %[[GAMMA]], %[[BETA]] :
// CHECK:           %[[GAIN:.*]] = arith.addf %{{.*}}, %[[ONE]]
// CHECK:           %[[SCALED:.*]] = arith.mulf %[[GAIN]], %{{.*}}
// CHECK:           %[[SHIFTED:.*]] = arith.addf %[[SCALED]],
// CHECK:           arith.truncf %[[SHIFTED]] : f32 to bf16
// CHECK:         %[[ALPHA:.*]] = tensor.extract_slice %[[ALL]][0, 16]
// CHECK:         return %[[N]], %[[ALPHA]]
func.func @adaln(%h: tensor<?x8xbf16>, %v: tensor<4xf32>, %project: tensor<8x4xbf16>,
                 %modulate: tensor<4x24xbf16>, %bias: tensor<24xbf16>)
    -> (tensor<?x8xbf16>, tensor<?x8xf32>) {
  %n, %alpha = moe.iter_adaln %h, %v project(%project : tensor<8x4xbf16>)
    modulate(%modulate, %bias : tensor<4x24xbf16>, tensor<24xbf16>)
    act(relu) norm(layer) {epsilon = 1.0e-6 : f64}
    : tensor<?x8xbf16>, tensor<4xf32> -> tensor<?x8xbf16>, tensor<?x8xf32>
  return %n, %alpha : tensor<?x8xbf16>, tensor<?x8xf32>
}
