// RUN: moe-opt %s --moe-fuse-rows --split-input-file --remarks-filter=moe-fuse-rows 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks --implicit-check-not=remark:

// y + transposed y: a row needs all rows of the op before it.
// REMARK: remark: [Missed] not fused{{.*}}a row needs other rows of the ops before it
// CHECK-LABEL: func.func @square
// CHECK-NOT: scf.forall
func.func @square(%x: memref<512x512xf32>, %y: memref<512x512xf32>) {
  linalg.exp ins(%x : memref<512x512xf32>) outs(%x : memref<512x512xf32>)
  linalg.generic {indexing_maps = [affine_map<(t, d) -> (t, d)>, affine_map<(t, d) -> (d, t)>,
                                   affine_map<(t, d) -> (t, d)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x, %x : memref<512x512xf32>, memref<512x512xf32>) outs(%y : memref<512x512xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// Columns of a chain are rows of the next op.
// REMARK: remark: [Missed] not fused{{.*}}its rows are not those of the ops before it
// CHECK-LABEL: func.func @sum_of_columns
// CHECK-NOT: scf.forall
func.func @sum_of_columns(%x: memref<?x20xf32>, %y: memref<?x20xf32>, %z: memref<20xf32>) {
  linalg.exp ins(%x : memref<?x20xf32>) outs(%y : memref<?x20xf32>)
  linalg.reduce ins(%y : memref<?x20xf32>) outs(%z : memref<20xf32>) dimensions = [0]
    (%in: f32, %sum: f32) {
      %s = arith.addf %in, %sum : f32
      linalg.yield %s : f32
    }
  return
}

// -----

// What a body gathers from may be any row.
// REMARK: remark: [Missed] not fused{{.*}}a row needs other rows of the ops before it
// CHECK-LABEL: func.func @gather
// CHECK-NOT: scf.forall
func.func @gather(%x: memref<?x20xf32>, %i: memref<?xindex>, %t: index) {
  %y = memref.alloc(%t) : memref<?x20xf32>
  %z = memref.alloc(%t) : memref<?x20xf32>
  linalg.exp ins(%x : memref<?x20xf32>) outs(%y : memref<?x20xf32>)
  linalg.generic {indexing_maps = [affine_map<(t, d) -> (t)>, affine_map<(t, d) -> (t, d)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%i : memref<?xindex>) outs(%z : memref<?x20xf32>) {
  ^bb0(%row: index, %old: f32):
    %d = linalg.index 1 : index
    %e = memref.load %y[%row, %d] : memref<?x20xf32>
    linalg.yield %e : f32
  }
  return
}

// -----

// The same memory through another view.
// REMARK: remark: [Missed] not fused{{.*}}a row needs other rows of the ops before it
// CHECK-LABEL: func.func @view
// CHECK-NOT: scf.forall
func.func @view(%x: memref<1024x20xf32>, %y: memref<1024x20xf32>) {
  %pairs = memref.reinterpret_cast %x to offset: [0], sizes: [1024, 20], strides: [1, 1024]
    : memref<1024x20xf32> to memref<1024x20xf32, strided<[1, 1024]>>
  linalg.exp ins(%x : memref<1024x20xf32>) outs(%x : memref<1024x20xf32>)
  linalg.generic {indexing_maps = [affine_map<(t, d) -> (t, d)>, affine_map<(t, d) -> (t, d)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%pairs : memref<1024x20xf32, strided<[1, 1024]>>) outs(%y : memref<1024x20xf32>) {
  ^bb0(%e: f32, %old: f32):
    linalg.yield %e : f32
  }
  return
}

// -----

// As many rows, or not: nothing tells.
// REMARK: remark: [Missed] not fused{{.*}}its rows are not those of the ops before it, as far as is known
// CHECK-LABEL: func.func @unknown
// CHECK-NOT: scf.forall
func.func @unknown(%x: memref<?xf32>, %y: memref<?xf32>) {
  linalg.exp ins(%x : memref<?xf32>) outs(%x : memref<?xf32>)
  linalg.exp ins(%y : memref<?xf32>) outs(%y : memref<?xf32>)
  return
}

// -----

// Small ops are not worth tasks. A copy that stays alone stays a copy.
// CHECK-LABEL: func.func @small
// CHECK-NOT: scf.forall
// CHECK: memref.copy
func.func @small(%x: memref<8x20xf32>, %y: memref<8x20xf32>, %a: memref<?xf32>, %b: memref<?xf32>) {
  linalg.exp ins(%x : memref<8x20xf32>) outs(%y : memref<8x20xf32>)
  linalg.exp ins(%y : memref<8x20xf32>) outs(%x : memref<8x20xf32>)
  memref.copy %a, %b : memref<?xf32> to memref<?xf32>
  return
}

// -----

// A row that all rows read is not overwritten behind their backs.
// REMARK: remark: [Missed] not fused{{.*}}a row needs other rows of the ops before it
// CHECK-LABEL: func.func @write_after_read
// CHECK-NOT: scf.forall
func.func @write_after_read(%x: memref<1024x20xf32>, %y: memref<1024x20xf32>) {
  linalg.generic {indexing_maps = [affine_map<(t, d) -> (0, d)>, affine_map<(t, d) -> (t, d)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<1024x20xf32>) outs(%y : memref<1024x20xf32>) {
  ^bb0(%e: f32, %old: f32):
    linalg.yield %e : f32
  }
  linalg.exp ins(%y : memref<1024x20xf32>) outs(%x : memref<1024x20xf32>)
  return
}

// -----

// Buffers that change places in a loop may be the same memory.
// REMARK: remark: [Missed] not fused{{.*}}a row needs other rows of the ops before it
// CHECK-LABEL: func.func @changing_places
// CHECK-NOT: scf.forall
func.func @changing_places(%n: index, %t: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc(%t) : memref<?x20xf32>
  %b = memref.alloc(%t) : memref<?x20xf32>
  %z = memref.alloc(%t) : memref<?x20xf32>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%p = %a, %q = %b) -> (memref<?x20xf32>, memref<?x20xf32>) {
    linalg.exp ins(%z : memref<?x20xf32>) outs(%p : memref<?x20xf32>)
    linalg.generic {indexing_maps = [affine_map<(t, d) -> (t, d)>, affine_map<(t, d) -> (0, d)>,
                                     affine_map<(t, d) -> (t, d)>],
                    iterator_types = ["parallel", "parallel"]}
        ins(%p, %q : memref<?x20xf32>, memref<?x20xf32>) outs(%z : memref<?x20xf32>) {
    ^bb0(%e: f32, %first: f32, %old: f32):
      %s = arith.addf %e, %first : f32
      linalg.yield %s : f32
    }
    scf.yield %q, %p : memref<?x20xf32>, memref<?x20xf32>
  }
  return
}
