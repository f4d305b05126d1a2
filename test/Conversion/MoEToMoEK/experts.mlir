// RUN: moe-opt %s --convert-moe-to-moek --canonicalize --cse --split-input-file --remarks-filter=convert-moe-to-moek 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks --implicit-check-not=remark:

// Offsets that no moe.group made are checked.
// CHECK-LABEL: @grouped_matmul
func.func @grouped_matmul(%x: tensor<?x8xbf16>, %w: tensor<3x8x5xf32>, %o: tensor<4xi32>) -> tensor<?x5xbf16> {
  // CHECK: %[[S:.+]] = tensor.dim %arg0
  // CHECK: moek.check_offsets %arg2 to %[[S]], "offsets of moe.grouped_matmul"
  // CHECK: %[[EMPTY:.+]] = tensor.empty(%[[S]]) : tensor<?x5xbf16>
  // CHECK: moek.gemm ins(%arg0 : tensor<?x8xbf16>) offsets(%arg2 : tensor<4xi32>) weights(%arg1 : tensor<3x8x5xf32>) outs(%[[EMPTY]]
  // CHECK-NEXT: ^bb0(%[[SUM:.+]]: f32, %{{.+}}: bf16):
  // CHECK-NEXT: %[[R:.+]] = arith.truncf %[[SUM]] : f32 to bf16
  // CHECK-NEXT: moek.yield %[[R]] : bf16
  %y = moe.grouped_matmul %x, %w, %o : tensor<?x8xbf16>, tensor<3x8x5xf32>, tensor<4xi32> -> tensor<?x5xbf16>
  return %y : tensor<?x5xbf16>
}

// -----

// CHECK: #[[$EXPERT:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: @gated
func.func @gated(%x: tensor<?x8xf32>, %i: tensor<?x2xi32>, %g: tensor<3x8x5xf32>, %u: tensor<3x8x5xf32>, %d: tensor<3x5x8xf32>,
    %gb: tensor<3x5xbf16>, %ub: tensor<3x5xf32>, %db: tensor<3x8xf32>) -> tensor<?x8xf32> {
  // CHECK: %[[GROUP:.+]], %{{.+}}, %[[OFFSETS:.+]] = moe.group
  %row_slot, %slot_row, %o = moe.group %i : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<4xi32>
  // CHECK-NOT: moek.check_offsets
  // CHECK: %[[H:.+]] = moek.gemm ins(%arg0 : tensor<?x8xf32>) offsets(%[[OFFSETS]] : tensor<4xi32>)
  // CHECK-SAME: weights(%arg2, %arg3 : tensor<3x8x5xf32>, tensor<3x8x5xf32>)
  // CHECK-SAME: extras(%arg5, %arg6 : tensor<3x5xbf16>, tensor<3x5xf32>) maps [#[[$EXPERT]], #[[$EXPERT]]]
  // CHECK-NEXT: ^bb0(%[[G:.+]]: f32, %[[U:.+]]: f32, %[[GB:.+]]: bf16, %[[UB:.+]]: f32, %{{.+}}: f32):
  // CHECK: %[[WIDE:.+]] = arith.extf %[[GB]]
  // CHECK-NEXT: %[[GATE:.+]] = arith.addf %[[G]], %[[WIDE]]
  // CHECK-NEXT: %[[UP:.+]] = arith.addf %[[U]], %[[UB]]
  // CHECK: arith.minimumf %[[GATE]]
  // CHECK: math.exp
  // CHECK: arith.minimumf %[[UP]]
  // CHECK: arith.maximumf
  // CHECK: moek.yield
  // CHECK: moek.gemm ins(%[[H]] : tensor<?x5xf32>) offsets(%[[OFFSETS]] : tensor<4xi32>) weights(%arg4 : tensor<3x5x8xf32>)
  // CHECK-SAME: extras(%arg7 : tensor<3x8xf32>) maps [#[[$EXPERT]]]
  // CHECK-NEXT: ^bb0(%[[SUM:.+]]: f32, %[[B:.+]]: f32, %{{.+}}: f32):
  // CHECK-NEXT: %[[Y:.+]] = arith.addf %[[SUM]], %[[B]]
  // CHECK-NEXT: moek.yield %[[Y]] : f32
  %y = moe.expert_ffn %x, %o gate(%g : tensor<3x8x5xf32> bias %gb : tensor<3x5xbf16>) up(%u : tensor<3x8x5xf32> bias %ub : tensor<3x5xf32>)
      down(%d : tensor<3x5x8xf32> bias %db : tensor<3x8xf32>) activation(silu) {limit = 7.0} : tensor<?x8xf32>, tensor<4xi32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// A shared expert: one group, biases by column.
// CHECK: #[[$COLUMN:.+]] = affine_map<(d0, d1, d2) -> (d2)>
// CHECK-LABEL: @shared
func.func @shared(%x: tensor<?x8xf32>, %u: tensor<8x5xf32>, %ub: tensor<5xf32>, %d: tensor<5x8xf32>) -> tensor<?x8xf32> {
  // CHECK: moek.gemm ins(%arg0 : tensor<?x8xf32>) weights(%arg1 : tensor<8x5xf32>) extras(%arg2 : tensor<5xf32>) maps [#[[$COLUMN]]]
  // CHECK: arith.maximumf
  // CHECK: moek.gemm ins({{.+}}) weights(%arg3 : tensor<5x8xf32>)
  %y = moe.expert_ffn %x up(%u : tensor<8x5xf32> bias %ub : tensor<5xf32>) down(%d : tensor<5x8xf32>) activation(relu)
      : tensor<?x8xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: @f64
func.func @f64(%x: tensor<?x8xf64>, %w: tensor<3x8x5xf64>, %d: tensor<3x5x8xf64>, %o: tensor<4xi32>) -> (tensor<?x5xf64>, tensor<?x8xf64>) {
  // REMARK: remark: [Missed] no kernel | {{.*}}Remark="it sums in f64"
  // CHECK: moe.grouped_matmul
  %y = moe.grouped_matmul %x, %w, %o : tensor<?x8xf64>, tensor<3x8x5xf64>, tensor<4xi32> -> tensor<?x5xf64>
  // REMARK: remark: [Missed] no kernel | {{.*}}Remark="it sums in f64"
  // CHECK: moe.expert_ffn
  %z = moe.expert_ffn %x, %o up(%w : tensor<3x8x5xf64>) down(%d : tensor<3x5x8xf64>) activation(relu)
      : tensor<?x8xf64>, tensor<4xi32> -> tensor<?x8xf64>
  return %y, %z : tensor<?x5xf64>, tensor<?x8xf64>
}
