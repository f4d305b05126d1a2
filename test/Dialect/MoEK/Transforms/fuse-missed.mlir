// RUN: moe-opt %s --moe-raise-matmul --convert-moe-to-moek --moek-fuse --remarks-filter-missed=moek-fuse 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks --implicit-check-not=remark:

#id = affine_map<(s, n) -> (s, n)>
#row = affine_map<(s, n) -> (s)>

// CHECK-LABEL: @other_users
func.func @other_users(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %e: tensor<?x5xf32>) -> (tensor<?x5xf32>, tensor<?x5xf32>) {
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="the sums have other users"
  // CHECK: linalg.exp
  %y = linalg.exp ins(%p : tensor<?x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %y, %p : tensor<?x5xf32>, tensor<?x5xf32>
}

// CHECK-LABEL: @another_order
func.func @another_order(%x: tensor<5x8xf32>, %w: tensor<8x5xf32>, %e: tensor<5x5xf32>) -> tensor<5x5xf32> {
  %p = linalg.matmul ins(%x, %w : tensor<5x8xf32>, tensor<8x5xf32>) outs(%e : tensor<5x5xf32>) -> tensor<5x5xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="it reads the sums in another order"
  // CHECK: linalg.generic
  %y = linalg.generic {indexing_maps = [affine_map<(s, n) -> (n, s)>, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p : tensor<5x5xf32>) outs(%e : tensor<5x5xf32>) {
  ^bb0(%a: f32, %old: f32):
    linalg.yield %a : f32
  } -> tensor<5x5xf32>
  return %y : tensor<5x5xf32>
}

// CHECK-LABEL: @integers
func.func @integers(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %e: tensor<?x5xf32>, %i: tensor<?x5xi32>) -> tensor<?x5xi32> {
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="its result is not f32, bf16 or f16"
  // CHECK: linalg.generic
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<?x5xf32>) outs(%i : tensor<?x5xi32>) {
  ^bb0(%a: f32, %old: i32):
    %r = arith.fptosi %a : f32 to i32
    linalg.yield %r : i32
  } -> tensor<?x5xi32>
  return %y : tensor<?x5xi32>
}

// CHECK-LABEL: @position
func.func @position(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %e: tensor<?x5xf32>) -> tensor<?x5xf32> {
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="its body has an op that does not work on vectors"
  // CHECK: linalg.generic
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<?x5xf32>) outs(%e : tensor<?x5xf32>) {
  ^bb0(%a: f32, %old: f32):
    %i = linalg.index 1 : index
    %c = arith.index_cast %i : index to i32
    %f = arith.sitofp %c : i32 to f32
    %r = arith.mulf %a, %f : f32
    linalg.yield %r : f32
  } -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// CHECK-LABEL: @columns_first
func.func @columns_first(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %e: tensor<?x5xf32>, %t: tensor<5x?xf32>) -> tensor<?x5xf32> {
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="an operand does not have the columns as its last dimension"
  // CHECK: linalg.generic
  %y = linalg.generic {indexing_maps = [#id, affine_map<(s, n) -> (n, s)>, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p, %t : tensor<?x5xf32>, tensor<5x?xf32>) outs(%e : tensor<?x5xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// CHECK-LABEL: @bits
func.func @bits(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %e: tensor<?x5xf32>, %t: tensor<?xi1>) -> tensor<?x5xf32> {
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="an operand holds no whole bytes"
  // CHECK: linalg.generic
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p, %t : tensor<?x5xf32>, tensor<?xi1>) outs(%e : tensor<?x5xf32>) {
  ^bb0(%a: f32, %b: i1, %old: f32):
    %r = arith.select %b, %a, %old : f32
    linalg.yield %r : f32
  } -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// Rows that no expert has: the op makes them 0, a kernel would not visit them.
// CHECK-LABEL: @rows_without_expert
func.func @rows_without_expert(%x: tensor<?x8xf32>, %w: tensor<3x8x5xf32>, %o: tensor<4xi32>, %slot: tensor<?xi32>, %e: tensor<?x5xf32>) -> tensor<?x5xf32> {
  %p = moe.grouped_matmul %x, %w, %o : tensor<?x8xf32>, tensor<3x8x5xf32>, tensor<4xi32> -> tensor<?x5xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="it may mean something for rows that no expert has"
  // CHECK: linalg.generic
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p, %slot : tensor<?x5xf32>, tensor<?xi32>) outs(%e : tensor<?x5xf32>) {
  ^bb0(%a: f32, %b: i32, %old: f32):
    %zero = arith.constant 0 : i32
    %nothing = arith.constant 0.0 : f32
    %c = arith.cmpi sge, %b, %zero : i32
    %r = arith.select %c, %a, %nothing : f32
    linalg.yield %r : f32
  } -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// Products of different rows do not merge; one of them takes the op.
// CHECK-LABEL: @different_rows
func.func @different_rows(%x: tensor<?x8xf32>, %z: tensor<?x8xf32>, %w: tensor<8x5xf32>, %e: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: %[[P:.+]] = moek.gemm ins(%arg0
  // CHECK: moek.gemm ins(%arg1 : tensor<?x8xf32>) {{.+}} extras({{.*}}%[[P]]
  // CHECK-NOT: linalg.mul
  // REMARK-DAG: missed.mlir:[[#@LINE+1]]:{{.+}} [Missed] not merged | {{.+}}Remark="the products are of different rows"
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  %q = linalg.matmul ins(%z, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  %y = linalg.mul ins(%p, %q : tensor<?x5xf32>, tensor<?x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// CHECK-LABEL: @weights_lie_differently
func.func @weights_lie_differently(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %v: tensor<5x8xf32>, %e: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // REMARK-DAG: missed.mlir:[[#@LINE+1]]:{{.+}} [Missed] not merged | {{.+}}Remark="the weights lie differently"
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  %q = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %v : tensor<?x8xf32>, tensor<5x8xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  %y = linalg.mul ins(%p, %q : tensor<?x5xf32>, tensor<?x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// CHECK-LABEL: @three
func.func @three(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %v: tensor<8x5xf32>, %u: tensor<8x5xf32>, %e: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: %[[R:.+]] = moek.gemm ins(%arg0 : tensor<?x8xf32>) weights(%arg3
  // CHECK: moek.gemm ins(%arg0 : tensor<?x8xf32>) weights(%arg1, %arg2 : tensor<8x5xf32>, tensor<8x5xf32>) extras({{.*}}%[[R]]
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  %q = linalg.matmul ins(%x, %v : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+1]]:{{.+}} [Missed] not merged | {{.+}}Remark="a kernel has two accumulators at most"
  %r = linalg.matmul ins(%x, %u : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p, %q, %r : tensor<?x5xf32>, tensor<?x5xf32>, tensor<?x5xf32>) outs(%e : tensor<?x5xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %old: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.mulf %1, %c : f32
    linalg.yield %2 : f32
  } -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// CHECK-LABEL: @rows_computed
func.func @rows_computed(%x: tensor<?x8xf32>, %w: tensor<8x5xf32>, %e: tensor<?x5xf32>, %f: tensor<?x8xf32>) -> tensor<?x5xf32> {
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="its rows are computed element by element, by a phase of its own"
  // CHECK: linalg.exp
  %p = linalg.exp ins(%x : tensor<?x8xf32>) outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = linalg.matmul ins(%p, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// CHECK-LABEL: @scale_has_users
func.func @scale_has_users(%x: tensor<?x8xf32>, %s: tensor<?xf32>, %w: tensor<8x5xf32>, %e: tensor<?x5xf32>, %f: tensor<?x8xf32>)
    -> (tensor<?x5xf32>, tensor<?x8xf32>) {
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="the scaled rows have other users"
  // CHECK: linalg.generic
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<?x8xf32>, tensor<?xf32>) outs(%f : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %r = arith.mulf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  %y = linalg.matmul ins(%p, %w : tensor<?x8xf32>, tensor<8x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %y, %p : tensor<?x5xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: @dispatch_rounds
func.func @dispatch_rounds(%x: tensor<?x8xf32>, %r: tensor<?xi32>, %w: tensor<3x8x5xf32>, %o: tensor<4xi32>) -> tensor<?x5xf32> {
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="the dispatch changes the element type"
  // CHECK: moe.dispatch
  %rows = moe.dispatch %x[%r by 2] : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xbf16>
  %y = moe.grouped_matmul %rows, %w, %o : tensor<?x8xbf16>, tensor<3x8x5xf32>, tensor<4xi32> -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// CHECK-LABEL: @experts_move
func.func @experts_move(%x: tensor<?x8xf32>, %w: tensor<8x3x5xf32>, %o: tensor<4xi32>) -> tensor<?x5xf32> {
  %e = tensor.empty() : tensor<3x8x5xf32>
  // CHECK: linalg.transpose
  %t = linalg.transpose ins(%w : tensor<8x3x5xf32>) outs(%e : tensor<3x8x5xf32>) permutation = [1, 0, 2]
  // REMARK-DAG: missed.mlir:[[#@LINE+1]]:{{.+}} [Missed] not fused | {{.+}}Remark="the transposition moves the expert dimension"
  %y = moe.grouped_matmul %x, %t, %o : tensor<?x8xf32>, tensor<3x8x5xf32>, tensor<4xi32> -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// CHECK-LABEL: @one_transposed
func.func @one_transposed(%x: tensor<?x8xf32>, %w: tensor<3x5x8xf32>, %v: tensor<3x8x5xf32>, %d: tensor<3x5x8xf32>, %o: tensor<4xi32>) -> tensor<?x8xf32> {
  %e = tensor.empty() : tensor<3x8x5xf32>
  %t = linalg.transpose ins(%w : tensor<3x5x8xf32>) outs(%e : tensor<3x8x5xf32>) permutation = [0, 2, 1]
  // REMARK-DAG: missed.mlir:[[#@LINE+1]]:{{.+}} [Missed] not fused | {{.+}}Remark="one weight is transposed, the other is not"
  %y = moe.expert_ffn %x, %o gate(%t : tensor<3x8x5xf32>) up(%v : tensor<3x8x5xf32>) down(%d : tensor<3x5x8xf32>) activation(silu)
      : tensor<?x8xf32>, tensor<4xi32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: @no_gemm
func.func @no_gemm(%x: tensor<?x8xf32>, %i: tensor<?x2xi32>) -> tensor<?x8xf32> {
  %row_slot, %slot_row, %o = moe.group %i : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<4xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="its rows are not those of a gemm"
  // CHECK: moe.combine
  %y = moe.combine %rows[%slot_row] : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: @no_group
func.func @no_group(%x: tensor<?x5xf32>, %w: tensor<3x5x8xf32>, %o: tensor<4xi32>, %slot_row: tensor<?x2xi32>) -> tensor<?x8xf32> {
  %p = moe.grouped_matmul %x, %w, %o : tensor<?x5xf32>, tensor<3x5x8xf32>, tensor<4xi32> -> tensor<?x8xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="its slots are not those of a moe.group"
  // CHECK: moe.combine
  %y = moe.combine %p[%slot_row] : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: @another_group
func.func @another_group(%x: tensor<?x5xf32>, %w: tensor<3x5x8xf32>, %o: tensor<4xi32>, %i: tensor<?x2xi32>) -> tensor<?x8xf32> {
  %row_slot, %slot_row, %unused = moe.group %i : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<4xi32>
  %p = moe.grouped_matmul %x, %w, %o : tensor<?x5xf32>, tensor<3x5x8xf32>, tensor<4xi32> -> tensor<?x8xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="the rows belong to another moe.group"
  // CHECK: moe.combine
  %y = moe.combine %p[%slot_row] : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: @combined_twice
func.func @combined_twice(%x: tensor<?x5xf32>, %w: tensor<3x5x8xf32>, %i: tensor<?x2xi32>, %z: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %row_slot, %slot_row, %o = moe.group %i : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<4xi32>
  %p = moe.grouped_matmul %x, %w, %o : tensor<?x5xf32>, tensor<3x5x8xf32>, tensor<4xi32> -> tensor<?x8xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="the rows have other users"
  // CHECK: moe.combine
  %y = moe.combine %p[%slot_row] : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  %q = moe.grouped_matmul %x, %w, %o : tensor<?x5xf32>, tensor<3x5x8xf32>, tensor<4xi32> -> tensor<?x8xf32>
  %c = moe.combine %q[%slot_row] : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="sums over the slots of a token are complete after the phase only"
  // CHECK: linalg.exp
  %d = linalg.exp ins(%c : tensor<?x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y, %p, %d : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: @two_residuals
func.func @two_residuals(%x: tensor<?x5xf32>, %w: tensor<3x5x8xf32>, %i: tensor<?x2xi32>, %z: tensor<?x8xf32>, %v: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %row_slot, %slot_row, %o = moe.group %i : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<4xi32>
  %p = moe.grouped_matmul %x, %w, %o : tensor<?x5xf32>, tensor<3x5x8xf32>, tensor<4xi32> -> tensor<?x8xf32>
  %c = moe.combine %p[%slot_row] : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x8xf32>
  // CHECK: moek.gemm {{.+}} outs(%arg3 : tensor<?x8xf32>) rows(
  %a = linalg.add ins(%c, %z : tensor<?x8xf32>, tensor<?x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  // REMARK-DAG: missed.mlir:[[#@LINE+2]]:{{.+}} [Missed] not fused | {{.+}}Remark="the combined rows are already added to something"
  // CHECK: linalg.add
  %y = linalg.add ins(%a, %v : tensor<?x8xf32>, tensor<?x8xf32>) outs(%v : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
