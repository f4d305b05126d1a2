// What can go wrong with a layer when it runs.

// DEFINE: %{run} = not moe-run %s --target=reference --output=%t/out.npy
// DEFINE: %{said} = 2>&1 | FileCheck %s --match-full-lines --implicit-check-not={{.}} --check-prefix
// DEFINE: %{tensors} = %python %S/Inputs/tensors.py
// RUN: rm -rf %t && mkdir %t

// Indices that name no expert.
// RUN: %{tensors} %t/high.npy I32 3x2 0,3,1,4,2,0
// RUN: %{run} --entry=main --random=1 --input=%t/x.npy --input=%t/high.npy %{said}=ABSENT
// ABSENT: moe-run: error: {{.*}}x.npy: {{.+}}
// RUN: %{tensors} %t/x.npy F32 3x4
// RUN: %{run} --entry=main --random=1 --input=%t/x.npy --input=%t/high.npy 2>&1 | FileCheck %s --check-prefix=HIGH
// HIGH: moe-run: error: main: {{.*}}element 3 is 4, expected {{.*}}
// RUN: %{tensors} %t/low.npy I32 3x2 0,3,1,2,2,-2
// RUN: %{run} --entry=main --random=1 --input=%t/x.npy --input=%t/low.npy 2>&1 | FileCheck %s --check-prefix=LOW
// LOW: moe-run: error: main: {{.*}}element 5 is -2, expected {{.*}}

// Two arguments that count different tokens.
// RUN: %{tensors} %t/short.npy I32 2x2 0
// RUN: %{run} --entry=main --random=1 --input=%t/x.npy --input=%t/short.npy %{said}=AGREE
// AGREE: moe-run: error: dimension 'T': got 2 from argument 'indices' (--input={{.*}}short.npy), but 3 before

// More tokens than there are addresses.
// RUN: %{run} --entry=main --random=1 --dim=T=1152921504606846976 %{said}=LARGE
// LARGE: moe-run: error: main: {{.*}}T = 1152921504606846976{{.*}}

// A result that npy cannot hold.
// RUN: %{run} --entry=narrow --random=1 --dim=T=3 %{said}=BF16
// BF16: moe-run: error: --output={{.*}}out.npy: npy cannot hold bf16, the type of result 'y'; write a .safetensors file

// RUN: test ! -e %t/out.npy

// But safetensors can, and what was written is what is read.
// RUN: moe-run %s --target=reference --entry=narrow --random=1 --dim=T=3 --output=%t/out.safetensors
// RUN: moe-run %s --target=reference --entry=narrow --random=1 --dim=T=3 --expect=%t/out.safetensors --exact-rows --rtol=0

func.func @main(
    %x: tensor<?x4xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %indices: tensor<?x2xi32> {moe.name = "indices", moe.dims = ["T", ""]},
    %w: tensor<4x4x4xf32> {moe.weight, moe.name = "w"})
    -> (tensor<?x4xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<5xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  %products = moe.grouped_matmul %rows, %w, %offsets
    : tensor<?x4xf32>, tensor<4x4x4xf32>, tensor<5xi32> -> tensor<?x4xf32>
  %y = moe.combine %products[%slot_row] : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

func.func @narrow(
    %rows: tensor<?x4xbf16> {moe.name = "rows", moe.dims = ["T", ""]},
    %slot_row: tensor<?x1xi32> {moe.name = "slot_row", moe.dims = ["T", ""]})
    -> (tensor<?x4xbf16> {moe.name = "y", moe.dims = ["T", ""]}) {
  %y = moe.combine %rows[%slot_row] : tensor<?x4xbf16>, tensor<?x1xi32> -> tensor<?x4xbf16>
  return %y : tensor<?x4xbf16>
}
