// RUN: moe-opt %s --convert-linalg-to-cpu --canonicalize --cse --remarks-filter=convert-linalg-to-cpu 2>&1 | FileCheck %s
// RUN: moe-opt %s --convert-linalg-to-cpu="lanes=8 parallel=false" --canonicalize | FileCheck %s --check-prefix=SERIAL

// Nothing here is missed.
// CHECK-NOT: remark
// SERIAL-NOT: scf.forall

// A dynamic number of rows is cut into tasks, a row into vectors.
// CHECK-LABEL: @broadcast
// SERIAL-LABEL: @broadcast
func.func @broadcast(%x: memref<?x64xf32>, %b: memref<64xf32>, %s: memref<?xf32>) {
  // CHECK: %[[ROWS:.+]] = memref.dim %arg2
  // CHECK: %[[TASKS:.+]] = arith.ceildivui %[[ROWS]], %c256
  // CHECK: scf.forall (%{{.+}}) in (%[[TASKS]])
  // CHECK: scf.for %[[I:.+]] =
  // CHECK: scf.for %[[J:.+]] = %c0 to %c64 step %c16
  // CHECK: %[[X:.+]] = vector.load %arg0[%[[I]], %[[J]]] : memref<?x64xf32>, vector<16xf32>
  // CHECK: %[[B:.+]] = vector.load %arg1[%[[J]]]
  // CHECK: %[[S:.+]] = memref.load %arg2[%[[I]]]
  // CHECK: %[[SUM:.+]] = arith.addf %[[X]], %[[B]] : vector<16xf32>
  // CHECK: %[[ALL:.+]] = vector.broadcast %[[S]] : f32 to vector<16xf32>
  // CHECK: %[[P:.+]] = arith.mulf %[[SUM]], %[[ALL]] : vector<16xf32>
  // CHECK: vector.store %[[P]], %arg0[%[[I]], %[[J]]]
  // SERIAL: vector.load %arg0[%{{.+}}, %{{.+}}] : memref<?x64xf32>, vector<8xf32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%b, %s : memref<64xf32>, memref<?xf32>) outs(%x : memref<?x64xf32>) {
  ^bb0(%p: f32, %q: f32, %old: f32):
    %sum = arith.addf %old, %p : f32
    %r = arith.mulf %sum, %q : f32
    linalg.yield %r : f32
  }
  return
}

// What is small is serial; what does not fill a vector runs one by one.
// CHECK-LABEL: @small
func.func @small(%x: memref<9x37xf32>) {
  // CHECK-NOT: scf.forall
  // CHECK: scf.for %{{.+}} = %c0 to %c32 step %c16
  // CHECK: vector.store
  // CHECK: scf.for %{{.+}} = %c32 to %c37 step %c1
  // CHECK: memref.store
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%x : memref<9x37xf32>)
  return
}

// One long row: the vectors are cut into tasks.
// CHECK-LABEL: @flat
func.func @flat(%x: memref<?xf32>) {
  // CHECK: scf.forall
  // CHECK: vector.store {{.+}} : memref<?xf32>, vector<16xf32>
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%x : memref<?xf32>)
  return
}

// A gather of rows: the branch is the row's, the row is read as vectors.
// CHECK-LABEL: @gather
func.func @gather(%x: memref<?x64xf32>, %rows: memref<?xi32>, %y: memref<?x64xf32>) {
  // CHECK: scf.forall
  // CHECK: %[[ROW:.+]] = memref.load %arg1[%{{.+}}]
  // CHECK: %[[USED:.+]] = arith.cmpi sge, %[[ROW]]
  // CHECK: %[[VALUE:.+]] = scf.if %[[USED]] -> (vector<16xf32>) {
  // CHECK: vector.load %arg0[%{{.+}}, %{{.+}}] : memref<?x64xf32>, vector<16xf32>
  // CHECK: } else {
  // CHECK: scf.yield %{{.+}} : vector<16xf32>
  // CHECK: vector.store %[[VALUE]], %arg2
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%rows : memref<?xi32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%slot: i32, %old: f32):
    %column = linalg.index 1 : index
    %zero = arith.constant 0 : i32
    %used = arith.cmpi sge, %slot, %zero : i32
    %r = scf.if %used -> f32 {
      %row = arith.index_cast %slot : i32 to index
      %value = memref.load %x[%row, %column] : memref<?x64xf32>
      scf.yield %value : f32
    } else {
      %nothing = arith.constant 0.0 : f32
      scf.yield %nothing : f32
    }
    linalg.yield %r : f32
  }
  return
}

// A sum along rows: one in each lane, then all of them.
// CHECK-LABEL: @row_sum
func.func @row_sum(%x: memref<?x64xf32>, %y: memref<?xf32>) {
  // CHECK: %[[NEUTRAL:.+]] = arith.constant dense<{{-?}}0.000000e+00> : vector<16xf32>
  // CHECK: scf.forall
  // CHECK: scf.for
  // CHECK: %[[LANES:.+]] = scf.for {{.+}} iter_args(%{{.+}} = %[[NEUTRAL]]) -> (vector<16xf32>)
  // CHECK: arith.addf {{.+}} : vector<16xf32>
  // CHECK: %[[OLD:.+]] = memref.load %arg1
  // CHECK: vector.reduction <add>, %[[LANES]], %[[OLD]] fastmath<reassoc> : vector<16xf32> into f32
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x64xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%p: f32, %old: f32):
    %s = arith.addf %old, %p : f32
    linalg.yield %s : f32
  }
  return
}

// A sum along columns: vectors of sums, each in the order of the rows.
// CHECK-LABEL: @column_sum
func.func @column_sum(%x: memref<?x64xf32>, %y: memref<64xf32>) {
  // CHECK: scf.for %{{.+}} = {{.+}} step %c16
  // CHECK: %[[OLD:.+]] = vector.load %arg1
  // CHECK: %[[SUM:.+]] = scf.for {{.+}} iter_args(%{{.+}} = %[[OLD]]) -> (vector<16xf32>)
  // CHECK: vector.store %[[SUM]], %arg1
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>],
      iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<?x64xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%p: f32, %old: f32):
    %s = arith.addf %old, %p : f32
    linalg.yield %s : f32
  }
  return
}

// The position in the row differs from lane to lane.
// CHECK-LABEL: @position
func.func @position(%x: memref<4x32xi32>) {
  // CHECK: vector.step : vector<16xindex>
  // CHECK: arith.index_cast %{{.+}} : vector<16xindex> to vector<16xi32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%x : memref<4x32xi32>) {
  ^bb0(%old: i32):
    %j = linalg.index 1 : index
    %n = arith.index_cast %j : index to i32
    linalg.yield %n : i32
  }
  return
}
