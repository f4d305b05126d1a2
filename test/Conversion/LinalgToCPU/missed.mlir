// RUN: moe-opt %s --convert-linalg-to-cpu --canonicalize --cse --remarks-filter=convert-linalg-to-cpu 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks --implicit-check-not=remark:

// CHECK-LABEL: @transpose
func.func @transpose(%x: memref<?x64xf32>, %y: memref<64x?xf32>) {
  // REMARK: missed.mlir:[[#@LINE+3]]:{{.+}} remark: [Missed] not vectorised | {{.*}}Remark="an operand does not lie densely along the innermost loop"
  // CHECK: scf.forall
  // CHECK-NOT: vector
  linalg.transpose ins(%x : memref<?x64xf32>) outs(%y : memref<64x?xf32>) permutation = [1, 0]
  return
}

// Bits lie a byte apart in memory, but not in a vector.
// CHECK-LABEL: @bits
func.func @bits(%x: memref<?x64xi1>) {
  // REMARK: missed.mlir:[[#@LINE+4]]:{{.+}} not vectorised | {{.*}}Remark="an operand does not lie densely along the innermost loop"
  // CHECK: scf.forall
  // CHECK-NOT: vector
  %true = arith.constant true
  linalg.fill ins(%true : i1) outs(%x : memref<?x64xi1>)
  return
}

// CHECK-LABEL: @gather_elements
func.func @gather_elements(%x: memref<?xf32>, %at: memref<?x64xi32>, %y: memref<?x64xf32>) {
  // REMARK: missed.mlir:[[#@LINE+3]]:{{.+}} not vectorised | {{.*}}Remark="the body gathers single elements"
  // CHECK: scf.forall
  // CHECK-NOT: vector
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%at : memref<?x64xi32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%p: i32, %old: f32):
    %i = arith.index_cast %p : i32 to index
    %r = memref.load %x[%i] : memref<?xf32>
    linalg.yield %r : f32
  }
  return
}

// CHECK-LABEL: @branch
func.func @branch(%x: memref<?x64xi32>) {
  // REMARK: missed.mlir:[[#@LINE+3]]:{{.+}} not vectorised | {{.*}}Remark="the body branches on elements"
  // CHECK: scf.forall
  // CHECK-NOT: vector
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%x : memref<?x64xi32>) {
  ^bb0(%p: i32):
    %zero = arith.constant 0 : i32
    %some = arith.cmpi ne, %p, %zero : i32
    %r = scf.if %some -> i32 {
      %d = arith.divsi %p, %p : i32
      scf.yield %d : i32
    } else {
      scf.yield %zero : i32
    }
    linalg.yield %r : i32
  }
  return
}

// A sum of bf16 is rounded at each step: its order is kept.
// CHECK-LABEL: @narrow_sum
func.func @narrow_sum(%x: memref<?x64xbf16>, %y: memref<?xbf16>) {
  // REMARK: missed.mlir:[[#@LINE+4]]:{{.+}} not vectorised | {{.*}}Remark="an operand does not lie densely along the innermost loop"
  // CHECK: scf.forall
  // CHECK-NOT: vector
  // CHECK: arith.addf {{.+}} : bf16
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x64xbf16>) outs(%y : memref<?xbf16>) {
  ^bb0(%p: bf16, %old: bf16):
    %s = arith.addf %old, %p : bf16
    linalg.yield %s : bf16
  }
  return
}

// CHECK-LABEL: @window
func.func @window(%x: memref<67xf32>, %k: memref<4xf32>, %y: memref<64xf32>) {
  // REMARK: missed.mlir:[[#@LINE+2]]:{{.+}} left to loops | {{.*}}Remark="an operand is not a permutation or broadcast of the loops"
  // CHECK: linalg.conv_1d
  linalg.conv_1d ins(%x, %k : memref<67xf32>, memref<4xf32>) outs(%y : memref<64xf32>)
  return
}

// CHECK-LABEL: @overlap
func.func @overlap(%x: memref<?x64xf32>, %y: memref<64xf32>) {
  // REMARK: missed.mlir:[[#@LINE+2]]:{{.+}} left to loops | {{.*}}Remark="tasks would write the same result"
  // CHECK: linalg.generic
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x64xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%p: f32, %old: f32):
    linalg.yield %p : f32
  }
  return
}

// CHECK-LABEL: @effects
func.func @effects(%x: memref<?x64xindex>, %limit: index) {
  // REMARK: missed.mlir:[[#@LINE+2]]:{{.+}} left to loops | {{.*}}Remark="the body has effects, like reporting an error"
  // CHECK: linalg.generic
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%x : memref<?x64xindex>) {
  ^bb0(%p: index):
    moek.check_limit %p le %limit, "a test"
    linalg.yield %p : index
  }
  return
}
