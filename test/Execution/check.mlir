// --check: the compiled code against the reference's.

// DEFINE: %{run} = moe-run %s --target=cpu --random=3
// DEFINE: %{said} = 2>&1 | FileCheck %s --match-full-lines --implicit-check-not={{.}} --check-prefix

// All rows, and some of them. At 0 tolerance they differ: two ways of summing were compared.
// RUN: %{run} --entry=layer --dim=T=33 --check --exact-rows | FileCheck %s --check-prefix=ALL
// ALL:      layer: target cpu, {{.*}} T = 33
// ALL-NEXT: compared with reference
// ALL:      y 33 0 {{.*}}
// RUN: %{run} --entry=layer --dim=T=33 --check=rows:5 --exact-rows | FileCheck %s --check-prefix=SOME
// SOME: y 5 0 {{.*}}
// RUN: %{run} --entry=layer --dim=T=3 --check=rows:5 --exact-rows | FileCheck %s --check-prefix=FEW
// FEW: y 3 0 {{.*}}
// RUN: %{run} --entry=layer --dim=T=0 --check=rows:5 --exact-rows | FileCheck %s --check-prefix=NONE
// NONE: y 0 0 {{.*}}
// RUN: not %{run} --entry=layer --dim=T=33 --check --exact-rows --rtol=0 2>&1 | FileCheck %s --check-prefix=EXACT
// EXACT: moe-run: error: result 'y' differs from reference in {{[0-9]+}} of 33 rows, first in row {{.*}}

// Against a file and the reference at once.
// RUN: %{run} --entry=layer --dim=T=9 --output=%t.safetensors
// RUN: %{run} --entry=layer --dim=T=9 --check --expect=%t.safetensors | FileCheck %s --check-prefix=BOTH
// BOTH: compared with {{.*}}.safetensors
// BOTH: compared with reference

// Functions without rows that stand for themselves.
// RUN: not %{run} --entry=scalar --check=rows:2 %{said}=SCALAR
// SCALAR: moe-run: error: --check=rows:N: no argument has a named first dimension
// RUN: not %{run} --entry=rowless --dim=T=4 --check=rows:2 %{said}=ROWLESS
// ROWLESS: moe-run: error: --check=rows:N: result 'z' has no row for each of 'T'
// RUN: not %{run} --entry=square --dim=T=4 --check=rows:2 %{said}=SQUARE
// SQUARE: moe-run: error: --check=rows:N: 'T' is not only the first dimension of 'x'
// RUN: not moe-run - --target=cpu --entry=scalar --random=1 --check < %s %{said}=STDIN
// STDIN: moe-run: error: --check: needs a file in stage 'input', to compile it for target 'reference', too

func.func @layer(
    %x: tensor<?x64xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %indices: tensor<?x2xi32> {moe.name = "indices", moe.dims = ["T", ""]},
    %w: tensor<3x64x48xf32> {moe.weight, moe.name = "w"})
    -> (tensor<?x48xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<4xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x64xf32>, tensor<?xi32> -> tensor<?x64xf32>
  %products = moe.grouped_matmul %rows, %w, %offsets
    : tensor<?x64xf32>, tensor<3x64x48xf32>, tensor<4xi32> -> tensor<?x48xf32>
  %y = moe.combine %products[%slot_row] : tensor<?x48xf32>, tensor<?x2xi32> -> tensor<?x48xf32>
  return %y : tensor<?x48xf32>
}

func.func @scalar(%x: tensor<f32> {moe.name = "x"}) -> (tensor<f32> {moe.name = "z"}) {
  return %x : tensor<f32>
}

func.func @rowless(%x: tensor<?xf32> {moe.name = "x", moe.dims = ["T"]})
    -> (tensor<f32> {moe.name = "z"}) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<f32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<f32>) -> tensor<f32>
  %sum = linalg.reduce { arith.addf } ins(%x : tensor<?xf32>) outs(%init : tensor<f32>) dimensions = [0]
  return %sum : tensor<f32>
}

func.func @square(%x: tensor<?x?xf32> {moe.name = "x", moe.dims = ["T", "T"]})
    -> (tensor<?x?xf32> {moe.name = "y", moe.dims = ["T", "T"]}) {
  return %x : tensor<?x?xf32>
}
