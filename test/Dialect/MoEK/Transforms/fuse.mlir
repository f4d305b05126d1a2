// RUN: moe-opt %s --split-input-file --moe-raise-matmul --convert-moe-to-moek --moek-fuse --canonicalize --cse \
// RUN:   --remarks-filter=moek-fuse 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks --implicit-check-not=[Missed]
// What moe-decompose makes of an expert is fused to the same.
// RUN: moe-opt %s --split-input-file --moe-decompose --moe-raise-matmul --convert-moe-to-moek --moek-fuse --canonicalize --cse \
// RUN:   | FileCheck %s

// CHECK: #[[$ROW:.+]] = affine_map<(d0, d1, d2) -> (d1)>
// CHECK-LABEL: @layer
// CHECK-SAME: %[[X:.+]]: tensor<?x8xf32>, %[[I:.+]]: tensor<?x2xi32>, %[[W:.+]]: tensor<?x2xf32>, %[[G:.+]]: tensor<3x8x5xf32>, %[[U:.+]]: tensor<3x8x5xf32>, %[[D:.+]]: tensor<3x5x8xf32>
// REMARK-DAG: fuse.mlir:[[#@LINE+21]]:{{.+}} [Passed] fused | {{.+}}Remark=gather
// REMARK-DAG: fuse.mlir:[[#@LINE+23]]:{{.+}} [Passed] fused | {{.+}}Remark="combine with weights"
// REMARK-DAG: fuse.mlir:[[#@LINE+23]]:{{.+}} [Passed] fused | {{.+}}Remark=residual
func.func @layer(%x: tensor<?x8xf32>, %i: tensor<?x2xi32>, %w: tensor<?x2xf32>, %g: tensor<3x8x5xf32>, %u: tensor<3x8x5xf32>,
    %d: tensor<3x5x8xf32>) -> tensor<?x8xf32> {
  // CHECK: %[[SLOT:.+]], %{{.+}}, %[[OFFSETS:.+]] = moe.group %[[I]]
  // CHECK: %[[H:.+]] = moek.gemm ins(%[[X]] : tensor<?x8xf32>) rows(%[[SLOT]] by 2 : tensor<?xi32>) offsets(%[[OFFSETS]] : tensor<4xi32>)
  // CHECK-SAME: weights(%[[G]], %[[U]] : tensor<3x8x5xf32>, tensor<3x8x5xf32>) outs({{.+}} : tensor<?x5xf32>) {
  // CHECK-NEXT: ^bb0(%[[GATE:.+]]: f32, %[[UP:.+]]: f32, %{{.+}}: f32):
  // CHECK: math.exp
  // CHECK: %[[S:.+]] = arith.mulf %{{.+}}, %[[UP]] : f32
  // CHECK-NEXT: moek.yield %[[S]] : f32
  // CHECK: %[[WEIGHTS:.+]] = linalg.generic {{.+}} ins(%[[SLOT]] : tensor<?xi32>)
  // CHECK: %[[Y:.+]] = moek.gemm ins(%[[H]] : tensor<?x5xf32>) offsets(%[[OFFSETS]] : tensor<4xi32>) weights(%[[D]] : tensor<3x5x8xf32>)
  // CHECK-SAME: extras(%[[WEIGHTS]] : tensor<?xf32>) maps [#[[$ROW]]] outs(%[[X]] : tensor<?x8xf32>) rows(%[[SLOT]] by 2 : tensor<?xi32>) {
  // CHECK-NEXT: ^bb0(%[[SUM:.+]]: f32, %[[WEIGHT:.+]]: f32, %[[OLD:.+]]: f32):
  // CHECK-NEXT: %[[TERM:.+]] = arith.mulf %[[WEIGHT]], %[[SUM]] : f32
  // CHECK-NEXT: %[[NEW:.+]] = arith.addf %[[OLD]], %[[TERM]] : f32
  // CHECK-NEXT: moek.yield %[[NEW]] : f32
  // CHECK: return %[[Y]]
  %row_slot, %slot_row, %o = moe.group %i : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<4xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  %e = moe.expert_ffn %rows, %o gate(%g : tensor<3x8x5xf32>) up(%u : tensor<3x8x5xf32>) down(%d : tensor<3x5x8xf32>)
      activation(silu) : tensor<?x8xf32>, tensor<4xi32> -> tensor<?x8xf32>
  %c = moe.combine %e[%slot_row] weights(%w : tensor<?x2xf32>) : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  %y = linalg.add ins(%c, %x : tensor<?x8xf32>, tensor<?x8xf32>) outs(%x : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// As one writes it by hand, in bf16: products, an op for each step between them. What a
// product rounds and the next op widens again is not rounded.

// CHECK-LABEL: @by_hand
// REMARK-DAG: fuse.mlir:[[#@LINE+16]]:{{.+}} [Passed] fused | {{.+}}Remark="element-wise op"
// REMARK-DAG: fuse.mlir:[[#@LINE+13]]:{{.+}} [Passed] merged | {{.+}}Remark="two products of the same rows"
// REMARK-DAG: fuse.mlir:[[#@LINE+23]]:{{.+}} [Passed] fused | {{.+}}Remark="element-wise op"
func.func @by_hand(%rows: tensor<?x8xbf16>, %o: tensor<4xi32>, %g: tensor<3x8x5xbf16>, %u: tensor<3x8x5xbf16>, %n: index) -> tensor<?x5xbf16> {
  // CHECK: moek.gemm ins(%arg0 : tensor<?x8xbf16>) offsets(%arg1 : tensor<4xi32>) weights(%arg2, %arg3 : tensor<3x8x5xbf16>, tensor<3x8x5xbf16>)
  // CHECK-NEXT: ^bb0(%[[G:.+]]: f32, %[[U:.+]]: f32, %{{.+}}: bf16):
  // CHECK-DAG: %[[ZERO:.+]] = arith.constant 0.0
  // CHECK: %[[A:.+]] = arith.maximumf %[[G]], %[[ZERO]] : f32
  // CHECK-DAG: %[[P:.+]] = arith.truncf %[[A]] : f32 to bf16
  // CHECK-DAG: %[[Q:.+]] = arith.truncf %[[U]] : f32 to bf16
  // CHECK: %[[R:.+]] = arith.mulf %[[P]], %[[Q]] : bf16
  // CHECK: moek.yield %[[R]] : bf16
  // CHECK-NOT: linalg.generic
  %p = moe.grouped_matmul %rows, %g, %o : tensor<?x8xbf16>, tensor<3x8x5xbf16>, tensor<4xi32> -> tensor<?x5xbf16>
  %q = moe.grouped_matmul %rows, %u, %o : tensor<?x8xbf16>, tensor<3x8x5xbf16>, tensor<4xi32> -> tensor<?x5xbf16>
  %e = tensor.empty(%n) : tensor<?x5xbf16>
  %a = linalg.generic {indexing_maps = [affine_map<(s, n) -> (s, n)>, affine_map<(s, n) -> (s, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%p : tensor<?x5xbf16>) outs(%e : tensor<?x5xbf16>) {
  ^bb0(%v: bf16, %old: bf16):
    %zero = arith.constant 0.0 : f32
    %w = arith.extf %v : bf16 to f32
    %m = arith.maximumf %w, %zero : f32
    %r = arith.truncf %m : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x5xbf16>
  %h = linalg.mul ins(%a, %q : tensor<?x5xbf16>, tensor<?x5xbf16>) outs(%e : tensor<?x5xbf16>) -> tensor<?x5xbf16>
  return %h : tensor<?x5xbf16>
}

// -----

// Llama-4: the weight of a row is applied before the expert, and goes to the epilogue,
// from where it is gathered; then so is the row.

// CHECK: #[[$ROW:.+]] = affine_map<(d0, d1, d2) -> (d1)>
// CHECK-LABEL: @scaled_rows
// REMARK-DAG: fuse.mlir:[[#@LINE+13]]:{{.+}} [Passed] fused | {{.+}}Remark="scale of the rows"
// REMARK-DAG: fuse.mlir:[[#@LINE+10]]:{{.+}} [Passed] fused | {{.+}}Remark=gather
func.func @scaled_rows(%x: tensor<?x8xf32>, %i: tensor<?x1xi32>, %w: tensor<?x1xf32>, %g: tensor<3x8x5xf32>) -> tensor<?x5xf32> {
  // CHECK: %[[SLOT:.+]], %{{.+}}, %[[OFFSETS:.+]] = moe.group
  // CHECK: %[[ROWS:.+]] = moe.dispatch %arg2[%[[SLOT]] by 1]
  // CHECK: %[[FACTOR:.+]] = tensor.collapse_shape %[[ROWS]] {{\[\[}}0, 1]] : tensor<?x1xf32> into tensor<?xf32>
  // CHECK: moek.gemm ins(%arg0 : tensor<?x8xf32>) rows(%[[SLOT]] by 1 : tensor<?xi32>) {{.+}} extras(%[[FACTOR]] : tensor<?xf32>) maps [#[[$ROW]]]
  // CHECK-NEXT: ^bb0(%[[SUM:.+]]: f32, %[[W:.+]]: f32, %{{.+}}: f32):
  // CHECK-NEXT: %[[Y:.+]] = arith.mulf %[[SUM]], %[[W]] : f32
  // CHECK-NEXT: moek.yield %[[Y]] : f32
  %row_slot, %slot_row, %o = moe.group %i : tensor<?x1xi32> -> tensor<?xi32>, tensor<?x1xi32>, tensor<4xi32>
  %rows = moe.dispatch %x[%row_slot by 1] : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  %f = moe.dispatch %w[%row_slot by 1] : tensor<?x1xf32>, tensor<?xi32> -> tensor<?x1xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(s, d) -> (s, d)>, affine_map<(s, d) -> (s, 0)>, affine_map<(s, d) -> (s, d)>],
      iterator_types = ["parallel", "parallel"]} ins(%rows, %f : tensor<?x8xf32>, tensor<?x1xf32>) outs(%rows : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x8xf32>
  %y = moe.grouped_matmul %s, %g, %o : tensor<?x8xf32>, tensor<3x8x5xf32>, tensor<4xi32> -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// -----

// Gate and up in one weight, side by side: each is a product with a half of it.

// CHECK-LABEL: @halves
// REMARK-DAG: fuse.mlir:{{.+}} [Passed] fused | {{.+}}Remark="half of the product"
// REMARK-DAG: fuse.mlir:{{.+}} [Passed] merged
func.func @halves(%x: tensor<?x8xf32>, %w: tensor<3x8x10xf32>, %o: tensor<4xi32>) -> tensor<?x5xf32> {
  // CHECK-DAG: %[[G:.+]] = tensor.extract_slice %arg1[0, 0, 0] [3, 8, 5] [1, 1, 1]
  // CHECK-DAG: %[[U:.+]] = tensor.extract_slice %arg1[0, 0, 5] [3, 8, 5] [1, 1, 1]
  // CHECK: moek.gemm ins(%arg0 : tensor<?x8xf32>) {{.+}} weights(%[[G]], %[[U]] : tensor<3x8x5xf32>, tensor<3x8x5xf32>)
  // CHECK: arith.mulf
  // CHECK-NOT: tensor.extract_slice
  %c0 = arith.constant 0 : index
  %p = moe.grouped_matmul %x, %w, %o : tensor<?x8xf32>, tensor<3x8x10xf32>, tensor<4xi32> -> tensor<?x10xf32>
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %g = tensor.extract_slice %p[0, 0] [%n, 5] [1, 1] : tensor<?x10xf32> to tensor<?x5xf32>
  %u = tensor.extract_slice %p[0, 5] [%n, 5] [1, 1] : tensor<?x10xf32> to tensor<?x5xf32>
  %e = tensor.empty(%n) : tensor<?x5xf32>
  %h = linalg.mul ins(%g, %u : tensor<?x5xf32>, tensor<?x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %h : tensor<?x5xf32>
}

// -----

// Column by column, of a weight that is packed anyway, and that lies as [out,in].

// CHECK-LABEL: @interleaved
func.func @interleaved(%x: tensor<?x8xf32>, %t: tensor<10x8xf32> {moe.weight}, %n: index, %y: tensor<?x10xf32>) -> tensor<?x5xf32> {
  // CHECK-DAG: %[[G:.+]] = tensor.extract_slice %arg1[0, 0] [5, 8] [2, 1]
  // CHECK-DAG: %[[U:.+]] = tensor.extract_slice %arg1[1, 0] [5, 8] [2, 1]
  // CHECK: moek.gemm ins(%arg0 : tensor<?x8xf32>) weights(%[[G]], %[[U]] : tensor<5x8xf32>, tensor<5x8xf32>) transposed
  // REMARK-DAG: fuse.mlir:{{.+}} [Passed] fused | {{.+}}Remark="transposition of the weight"
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %we = tensor.empty() : tensor<8x10xf32>
  %w = linalg.transpose ins(%t : tensor<10x8xf32>) outs(%we : tensor<8x10xf32>) permutation = [1, 0]
  %m = tensor.dim %x, %c0 : tensor<?x8xf32>
  %pe = tensor.empty(%m) : tensor<?x10xf32>
  %pz = linalg.fill ins(%zero : f32) outs(%pe : tensor<?x10xf32>) -> tensor<?x10xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x10xf32>) outs(%pz : tensor<?x10xf32>) -> tensor<?x10xf32>
  %g = tensor.extract_slice %p[0, 0] [%m, 5] [1, 2] : tensor<?x10xf32> to tensor<?x5xf32>
  %u = tensor.extract_slice %p[0, 1] [%m, 5] [1, 2] : tensor<?x10xf32> to tensor<?x5xf32>
  %e = tensor.empty(%m) : tensor<?x5xf32>
  %h = linalg.mul ins(%g, %u : tensor<?x5xf32>, tensor<?x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %h : tensor<?x5xf32>
}

// -----

// All that an epilogue can read: a bias by broadcast, a row's number, a scalar, a tensor,
// what it is added to.

// CHECK-DAG: #[[$COLUMN:.+]] = affine_map<(d0, d1, d2) -> (d2)>
// CHECK-DAG: #[[$ROW:.+]] = affine_map<(d0, d1, d2) -> (d1)>
// CHECK-DAG: #[[$BOTH:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[$NONE:.+]] = affine_map<(d0, d1, d2) -> ()>
// CHECK-LABEL: @operands
func.func @operands(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %b: tensor<5xf32>, %r: tensor<?xbf16>, %t: tensor<?x5xf32>, %alpha: f32,
    %old: tensor<?x5xf32>, %n: index) -> tensor<?x5xf32> {
  // CHECK: %[[ALPHA:.+]] = tensor.from_elements %arg5 : tensor<f32>
  // CHECK: moek.gemm ins(%arg0 : tensor<?x8xf32>) weights(%arg1 : tensor<8x5xf32>)
  // CHECK-SAME: extras(%arg2, %arg3, %arg4, %[[ALPHA]] : tensor<5xf32>, tensor<?xbf16>, tensor<?x5xf32>, tensor<f32>)
  // CHECK-SAME: maps [#[[$COLUMN]], #[[$ROW]], #[[$BOTH]], #[[$NONE]]] outs(%arg6 : tensor<?x5xf32>) {
  // CHECK-NEXT: ^bb0(%[[SUM:.+]]: f32, %[[B:.+]]: f32, %[[R:.+]]: bf16, %[[T:.+]]: f32, %[[A:.+]]: f32, %[[OLD:.+]]: f32):
  // CHECK-DAG: arith.addf %[[B]], %[[SUM]]
  // CHECK-DAG: arith.extf %[[R]]
  // CHECK: moek.yield
  // CHECK-NOT: linalg
  %e = tensor.empty(%n) : tensor<?x5xf32>
  %bias = linalg.broadcast ins(%b : tensor<5xf32>) outs(%e : tensor<?x5xf32>) dimensions = [0]
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%bias : tensor<?x5xf32>) -> tensor<?x5xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(s, n) -> (s, n)>, affine_map<(s, n) -> (s)>, affine_map<(s, n) -> (s, n)>, affine_map<(s, n) -> (s, n)>],
      iterator_types = ["parallel", "parallel"]} ins(%p, %r, %t : tensor<?x5xf32>, tensor<?xbf16>, tensor<?x5xf32>) outs(%old : tensor<?x5xf32>) {
  ^bb0(%s: f32, %f: bf16, %u: f32, %before: f32):
    %1 = arith.extf %f : bf16 to f32
    %2 = arith.mulf %s, %1 : f32
    %3 = arith.mulf %2, %alpha : f32
    %4 = arith.addf %3, %u : f32
    %5 = arith.addf %before, %4 : f32
    linalg.yield %5 : f32
  } -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}
