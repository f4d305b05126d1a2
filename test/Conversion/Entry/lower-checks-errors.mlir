// RUN: moe-opt %s --moe-lower-checks --split-input-file --verify-diagnostics

func.func @no_arguments() {
  %c4 = arith.constant 4 : index
  // expected-error @below {{'moek.check_index' op stands in no entry; run moe-entry first}}
  moek.check_index %c4 to %c4, "index"
  return
}

// -----

func.func @no_context(%m: memref<4xi32>, %n: index) {
  // expected-error @below {{'moek.check_indices' op stands in no entry}}
  moek.check_indices %m in %n to %n, "indices" : memref<4xi32>
  return
}

// -----

func.func @tensor(%context: !llvm.ptr, %m: tensor<4xi32>, %n: index) {
  // expected-error @below {{'moek.check_offsets' op works on a tensor still; bufferize first}}
  moek.check_offsets %m to %n, "offsets" : tensor<4xi32>
  return
}

// -----

func.func @strided(%context: !llvm.ptr, %m: memref<4xi32, strided<[2]>>, %n: index) {
  // expected-error @below {{'moek.check_offsets' op offsets with a stride cannot be checked}}
  moek.check_offsets %m to %n, "offsets" : memref<4xi32, strided<[2]>>
  return
}
