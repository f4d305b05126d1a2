// RUN: moe-opt %s --convert-moek-to-cpu --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

// Rows of experts: tasks are blocks of rows by chunks of panels; the epilogue works on
// vectors.
// CHECK-LABEL: @experts
func.func @experts(%x: memref<?x64xf32>, %r: memref<?xi32>, %o: memref<9xi32>, %p: memref<8x12288xf32>, %b: memref<8x80xf32>,
    %y: memref<?x80xf32>) {
  // CHECK: scf.forall
  // CHECK: memref.alloca
  // CHECK: memref.load %arg1
  // CHECK: arith.divui
  // CHECK: vector.load %arg0[%{{.+}}, %{{.+}}] : memref<?x64xf32>, vector<16xf32>
  // CHECK: vector.fma
  // CHECK: vector.load %arg4[%{{.+}}, %{{.+}}] : memref<8x80xf32>, vector<16xf32>
  // CHECK: arith.addf {{.+}} : vector<16xf32>
  // CHECK: vector.store %{{.+}}, %arg5[%{{.+}}, %{{.+}}] : memref<?x80xf32>, vector<16xf32>
  // CHECK-NOT: moek.gemm
  moek.gemm ins(%x : memref<?x64xf32>) rows(%r by 2 : memref<?xi32>) offsets(%o : memref<9xi32>)
      weights(%p : memref<8x12288xf32>) as <panel = 64, block = 128, chunk = 2, pair = 1>
      extras(%b : memref<8x80xf32>) maps [affine_map<(g, s, n) -> (g, n)>] outs(%y : memref<?x80xf32>) {
  ^bb0(%g: f32, %u: f32, %c: f32, %old: f32):
    %1 = arith.addf %g, %c : f32
    %2 = arith.mulf %1, %u : f32
    moek.yield %2 : f32
  }
  return
}

// -----

// Where rows go to tokens a task owns its columns, of all experts in order.
// CHECK-LABEL: @combine
func.func @combine(%x: memref<?x64xf32>, %r: memref<?xi32>, %o: memref<9xi32>, %p: memref<8x16384xf32>, %y: memref<?x256xf32>) {
  // CHECK: scf.forall (%{{.+}}) in (2)
  // CHECK: scf.for
  // CHECK: vector.load %arg4
  // CHECK: vector.store %{{.+}}, %arg4
  moek.gemm ins(%x : memref<?x64xf32>) offsets(%o : memref<9xi32>) weights(%p : memref<8x16384xf32>) as <panel = 64, block = 128, chunk = 2, pair = 1>
      outs(%y : memref<?x256xf32>) rows(%r by 2 : memref<?xi32>) {
  ^bb0(%a: f32, %old: f32):
    %1 = arith.addf %a, %old : f32
    moek.yield %1 : f32
  }
  return
}

// -----

// Each task packs what it is about to read of weights that lie otherwise.
// CHECK-LABEL: @as_they_lie
func.func @as_they_lie(%x: memref<?x64xbf16>, %w: memref<80x64xbf16>, %y: memref<?x80xbf16>) {
  // CHECK: scf.forall
  // CHECK: %arg1
  // Few rows by 4 columns that are a quarter of the task's columns apart: four streams.
  // CHECK: scf.for {{.+}} step %c3
  // CHECK:   scf.for %[[FIRST:.+]] = %c0 to %c20 step %c1
  // CHECK:     arith.addi %[[FIRST]], %c20
  // CHECK:     arith.addi %[[FIRST]], %c40
  // CHECK:     arith.addi %[[FIRST]], %c60
  // CHECK-NOT: memref.prefetch
  // CHECK: vector.fma
  // CHECK: arith.truncf {{.+}} : vector<16xf32> to vector<16xbf16>
  moek.gemm ins(%x : memref<?x64xbf16>) weights(%w : memref<80x64xbf16>) transposed outs(%y : memref<?x80xbf16>) {
  ^bb0(%a: f32, %old: bf16):
    %r = arith.truncf %a : f32 to bf16
    moek.yield %r : bf16
  }
  return
}

// -----

func.func @no_vectors(%x: memref<?x64xf32>, %w: memref<64x80xf32>, %y: memref<?x80xf32>) {
  // expected-error @below {{epilogue: expected ops that work on vectors}}
  moek.gemm ins(%x : memref<?x64xf32>) weights(%w : memref<64x80xf32>) outs(%y : memref<?x80xf32>) {
  ^bb0(%a: f32, %old: f32):
    %t = arith.constant true
    %r = scf.if %t -> f32 {
      scf.yield %a : f32
    } else {
      scf.yield %old : f32
    }
    moek.yield %r : f32
  }
  return
}
