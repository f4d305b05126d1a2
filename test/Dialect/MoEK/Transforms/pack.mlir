// RUN: moe-opt %s --moek-pack=chunk=4 --remarks-filter=moek-pack 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks --implicit-check-not=remark:

// Gate and up of [out,in], whatever stands between the argument and the gemm.
// CHECK-LABEL: @constant
func.func @constant(%x: tensor<?x64xf32>, %g: tensor<3x80x64xf32> {moe.weight}, %u: tensor<160x3x64xf32> {moe.weight}, %o: tensor<4xi32>,
    %y: tensor<?x80xf32>) -> tensor<?x80xf32> {
  // CHECK: %[[SLICE:.+]] = tensor.extract_slice
  // CHECK: %[[UP:.+]] = linalg.transpose
  // CHECK: %[[PACKED:.+]] = moek.pack %arg1, %[[UP]] transposed as <panel = 64, block = 128, chunk = 4, pair = 1>
  // CHECK-SAME: outs(%{{.+}} : tensor<3x12288xf32>) : tensor<3x80x64xf32>, tensor<3x80x64xf32> -> tensor<3x12288xf32>
  // CHECK: moek.gemm {{.+}} weights(%[[PACKED]] : tensor<3x12288xf32>) as <panel = 64, block = 128, chunk = 4, pair = 1> outs
  %s = tensor.extract_slice %u[1, 0, 0] [80, 3, 64] [2, 1, 1] : tensor<160x3x64xf32> to tensor<80x3x64xf32>
  %e = tensor.empty() : tensor<3x80x64xf32>
  %t = linalg.transpose ins(%s : tensor<80x3x64xf32>) outs(%e : tensor<3x80x64xf32>) permutation = [1, 0, 2]
  // REMARK: pack.mlir:[[#@LINE+1]]:{{.+}} [Passed] packed
  %z = moek.gemm ins(%x : tensor<?x64xf32>) offsets(%o : tensor<4xi32>) weights(%g, %t : tensor<3x80x64xf32>, tensor<3x80x64xf32>) transposed
      outs(%y : tensor<?x80xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %m = arith.mulf %a, %b : f32
    moek.yield %m : f32
  } -> tensor<?x80xf32>
  return %z : tensor<?x80xf32>
}

// bf16 lies in pairs. A pack in a loop leaves it.
// CHECK-LABEL: @in_a_loop
func.func @in_a_loop(%x: tensor<4x64xbf16>, %w: tensor<64x64xbf16> {moe.weight}, %n: index) -> tensor<4x64xbf16> {
  // CHECK: moek.pack %arg1 as <panel = 64, block = 128, chunk = 4, pair = 2>
  // CHECK: scf.for
  // CHECK: moek.gemm {{.+}} weights({{.+}} : tensor<1x4096xbf16>) as
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%h = %x) -> tensor<4x64xbf16> {
    %e = tensor.empty() : tensor<4x64xbf16>
    // REMARK: pack.mlir:[[#@LINE+1]]:{{.+}} [Passed] packed
    %z = moek.gemm ins(%h : tensor<4x64xbf16>) weights(%w : tensor<64x64xbf16>) outs(%e : tensor<4x64xbf16>) {
    ^bb0(%a: f32, %old: bf16):
      %t = arith.truncf %a : f32 to bf16
      moek.yield %t : bf16
    } -> tensor<4x64xbf16>
    scf.yield %z : tensor<4x64xbf16>
  }
  return %r : tensor<4x64xbf16>
}

// CHECK-LABEL: @not_constant
func.func @not_constant(%x: tensor<?x64xf32>, %w: tensor<64x64xf32>, %y: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK-NOT: moek.pack
  // CHECK: moek.gemm
  // REMARK: pack.mlir:[[#@LINE+1]]:{{.+}} [Missed] not packed | {{.+}}Remark="its weights may change between calls"
  %z = moek.gemm ins(%x : tensor<?x64xf32>) weights(%w : tensor<64x64xf32>) outs(%y : tensor<?x64xf32>) {
  ^bb0(%a: f32, %old: f32):
    moek.yield %a : f32
  } -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}

// CHECK-LABEL: @two_types
func.func @two_types(%x: tensor<?x64xf32>, %w: tensor<64x64xf32> {moe.weight}, %v: tensor<64x64xbf16> {moe.weight}, %y: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK-NOT: moek.pack
  // CHECK: moek.gemm
  // REMARK: pack.mlir:[[#@LINE+1]]:{{.+}} [Missed] not packed | {{.+}}Remark="its weights have different element types"
  %z = moek.gemm ins(%x : tensor<?x64xf32>) weights(%w, %v : tensor<64x64xf32>, tensor<64x64xbf16>) outs(%y : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %m = arith.mulf %a, %b : f32
    moek.yield %m : f32
  } -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}

// A product that runs once is not worth packing for.
// CHECK-LABEL: @constant_rows
func.func @constant_rows(%x: tensor<1x64xf32> {moe.weight}, %w: tensor<64x64xf32> {moe.weight}, %y: tensor<1x64xf32>) -> tensor<1x64xf32> {
  // CHECK-NOT: moek.pack
  // CHECK: moek.gemm
  // REMARK: pack.mlir:[[#@LINE+1]]:{{.+}} [Missed] not packed | {{.+}}Remark="its rows are constant too"
  %z = moek.gemm ins(%x : tensor<1x64xf32>) weights(%w : tensor<64x64xf32>) outs(%y : tensor<1x64xf32>) {
  ^bb0(%a: f32, %old: f32):
    moek.yield %a : f32
  } -> tensor<1x64xf32>
  return %z : tensor<1x64xf32>
}
