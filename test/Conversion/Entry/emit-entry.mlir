// RUN: moe-opt %s --moe-pipeline=reference --compile-to=loops -o %t.mlir
// RUN: moe-opt %t.mlir --moe-emit-entry='target=thing cpu-features=5' | FileCheck %s
// RUN: moe-opt %s --moe-pipeline=reference | FileCheck %s --check-prefix=LLVM

// The descriptor is all that is visible; names cannot clash with another entry's.
// CHECK-DAG: llvm.mlir.global internal constant @moe.str.{{[0-9]+}}("layer\00")
// CHECK-DAG: llvm.mlir.global internal constant @moe.str.{{[0-9]+}}("thing\00")
// CHECK-DAG: llvm.mlir.global internal constant @moe.dims0.layer
// CHECK-DAG: llvm.mlir.global internal constant @moe.args.layer
// CHECK-DAG: llvm.mlir.global external constant @moert_entry_layer
// CHECK-DAG: llvm.func internal @moe.prepare.layer(%{{.+}}: !llvm.ptr, %{{.+}}: !llvm.ptr, %{{.+}}: !llvm.ptr) -> i32
// CHECK-DAG: llvm.func internal @moe.workspace_bytes.layer(%{{.+}}: !llvm.ptr) -> i64
// CHECK-DAG: llvm.func internal @moe.run.layer(


// LLVM-DAG: llvm.mlir.global external constant @moert_entry_layer
// LLVM-DAG: llvm.mlir.global external constant @moert_entry_run.layer
// LLVM-DAG: llvm.func internal @moe.run.layer(
// LLVM-DAG: llvm.func internal @moe.run.run.layer(
// LLVM-NOT: unrealized_conversion_cast
func.func @layer(%x: tensor<?x4xf32> {moe.dims = ["T", ""]}, %w: tensor<4xbf16> {moe.weight})
    -> (tensor<?x4xf32> {moe.dims = ["T", ""]}, tensor<4xbf16>) {
  return %x, %w : tensor<?x4xf32>, tensor<4xbf16>
}
func.func @run.layer(%x: f32) -> f32 {
  return %x : f32
}
