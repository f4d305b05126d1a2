// RUN: moe-opt %s --moe-plan-workspace --split-input-file --verify-diagnostics

func.func @each_iteration(%context: !llvm.ptr, %x: memref<4xf32>) attributes {moe.entry = {arguments = [
    {dims = array<i64: 4>, element = f32, name = "x", role = 2}], symbols = []}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %a = memref.alloc() : memref<4xf32>
  %r = scf.for %i = %c0 to %c2 step %c1 iter_args(%s = %a) -> memref<4xf32> {
    // expected-error @below {{is allocated in each iteration of a loop and outlives it}}
    %b = memref.alloc() : memref<4xf32>
    linalg.exp ins(%s : memref<4xf32>) outs(%b : memref<4xf32>)
    scf.yield %b : memref<4xf32>
  }
  memref.copy %r, %x : memref<4xf32> to memref<4xf32>
  return
}
func.func private @each_iteration.prepare(%context: !llvm.ptr) {
  return
}

// -----

func.func @layout(%context: !llvm.ptr) attributes {moe.entry = {arguments = [], symbols = []}} {
  // expected-error @below {{cannot be placed in the workspace: its layout is not the identity}}
  %a = memref.alloc() : memref<4xf32, strided<[2]>>
  return
}
func.func private @layout.prepare(%context: !llvm.ptr) {
  return
}

// -----

func.func @data(%context: !llvm.ptr, %n: memref<index>) attributes {moe.entry = {arguments = [
    {dims = array<i64>, element = index, name = "n", role = 0}], symbols = []}} {
  %size = memref.load %n[] : memref<index>
  // expected-error @below {{has a size that does not follow from the dimensions of the entry's arguments}}
  %a = memref.alloc(%size) : memref<?xf32>
  return
}
func.func private @data.prepare(%context: !llvm.ptr) {
  return
}
