// RUN: moe-opt %s --split-input-file --verify-diagnostics

func.func @rank(%a: memref<?x8x1xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>) {
  // expected-error @below {{expected the rows and the destination to have rank 2}}
  moek.gemm ins(%a : memref<?x8x1xf32>) weights(%w0 : memref<8x6xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @widths(%a: memref<?x?xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>) {
  // expected-error @below {{expected static widths of at least 1, got 'memref<?x?xf32>' and 'memref<?x6xf32>'}}
  moek.gemm ins(%a : memref<?x?xf32>) weights(%w0 : memref<8x6xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @no_accumulator(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>) {
  // expected-error @below {{epilogue: expected accumulators, 0 extras and the old element, got 1 arguments}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<8x6xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @accumulators(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>) {
  // expected-error @below {{has 1 weights for 2 accumulators}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<8x6xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32, %2: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @slots(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>, %r: memref<?xi32>) {
  // expected-error @below {{expected at least 1 slot a row}}
  moek.gemm ins(%a : memref<?x8xf32>) rows(%r by 0 : memref<?xi32>) weights(%w0 : memref<8x6xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @out_slots(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>, %r: memref<?xi32>) {
  // expected-error @below {{expected at least 1 slot a row}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<8x6xf32>) outs(%y : memref<?x6xf32>) rows(%r by 0 : memref<?xi32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @matrix(%a: memref<?x8xf32>, %w0: memref<6x8xf32>, %y: memref<?x6xf32>) {
  // expected-error @below {{weights: 'memref<6x8xf32>' does not hold 1 matrices of 8 x 6}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<6x8xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @transposed(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>) {
  // expected-error @below {{weights: 'memref<8x6xf32>' does not hold 1 matrices of 8 x 6, transposed}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<8x6xf32>) transposed outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @groups(%a: memref<?x8xf32>, %w0: memref<3x8x6xf32>, %y: memref<?x6xf32>, %o: memref<5xi32>) {
  // expected-error @below {{weights: 'memref<3x8x6xf32>' does not hold 4 matrices of 8 x 6}}
  moek.gemm ins(%a : memref<?x8xf32>) offsets(%o : memref<5xi32>) weights(%w0 : memref<3x8x6xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @one_matrix_for_groups(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>, %o: memref<5xi32>) {
  // expected-error @below {{weights: 'memref<8x6xf32>' does not hold 4 matrices of 8 x 6}}
  moek.gemm ins(%a : memref<?x8xf32>) offsets(%o : memref<5xi32>) weights(%w0 : memref<8x6xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @offsets(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>, %o: memref<i32>) {
  // expected-error @below {{operand #1 must be tensor or memref of rank 1 of i32, but got 'memref<i32>'}}
  moek.gemm ins(%a : memref<?x8xf32>) offsets(%o : memref<i32>) weights(%w0 : memref<8x6xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @rows(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>, %r: memref<?xi64>) {
  // expected-error @below {{operand #1 must be tensor or memref of rank 1 of i32, but got 'memref<?xi64>'}}
  moek.gemm ins(%a : memref<?x8xf32>) rows(%r by 2 : memref<?xi64>) weights(%w0 : memref<8x6xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @two_packed(%a: memref<?x8xf32>, %w0: memref<1x64xf32>, %w1: memref<1x64xf32>, %y: memref<?x6xf32>) {
  // expected-error @below {{a layout describes one packed operand}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0, %w1 : memref<1x64xf32>, memref<1x64xf32>) as <panel = 4, block = 8, chunk = 1, pair = 1> outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @packed_transposed(%a: memref<?x8xf32>, %w0: memref<1x64xf32>, %y: memref<?x6xf32>) {
  // expected-error @below {{a layout describes one packed operand}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<1x64xf32>) transposed as <panel = 4, block = 8, chunk = 1, pair = 1> outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @packed_size(%a: memref<?x8xf32>, %w0: memref<1x63xf32>, %y: memref<?x6xf32>) {
  // expected-error @below {{weights: expected 1 x 64 packed elements, got 'memref<1x63xf32>'}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<1x63xf32>) as <panel = 4, block = 8, chunk = 1, pair = 1> outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @packed_groups(%a: memref<?x8xf32>, %w0: memref<1x64xf32>, %y: memref<?x6xf32>, %o: memref<5xi32>) {
  // expected-error @below {{weights: expected 4 x 64 packed elements, got 'memref<1x64xf32>'}}
  moek.gemm ins(%a : memref<?x8xf32>) offsets(%o : memref<5xi32>) weights(%w0 : memref<1x64xf32>) as <panel = 4, block = 8, chunk = 1, pair = 1> outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @panel(%a: memref<?x8xf32>, %w0: memref<1x64xf32>, %y: memref<?x6xf32>) {
  // expected-error @below {{layout: a panel of 4 columns cannot hold 3 accumulators}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<1x64xf32>) as <panel = 4, block = 8, chunk = 1, pair = 1> outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32, %2: f32, %3: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @no_map(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>, %e: memref<6xf32>) {
  // expected-error @below {{has 1 extras and 0 maps}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<8x6xf32>) extras(%e : memref<6xf32>) maps [] outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32, %2: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @map_rank(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>, %e: memref<6xf32>) {
  // expected-error @below {{extra 0: expected a projection of (g, s, n) to 1 dimensions, got affine_map<(d0, d1, d2) -> (d1, d2)>}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<8x6xf32>) extras(%e : memref<6xf32>) maps [affine_map<(g, s, n) -> (s, n)>] outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32, %2: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @map_sum(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>, %e: memref<6xf32>) {
  // expected-error @below {{extra 0: expected a projection of (g, s, n) to 1 dimensions, got affine_map<(d0, d1, d2) -> (d1 + d2)>}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<8x6xf32>) extras(%e : memref<6xf32>) maps [affine_map<(g, s, n) -> (s + n)>] outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32, %2: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @extra_type(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>, %e: memref<6xbf16>) {
  // expected-error @below {{extra 0: the epilogue takes 'f32', the operand holds 'bf16'}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<8x6xf32>) extras(%e : memref<6xbf16>) maps [affine_map<(g, s, n) -> (n)>] outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32, %2: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @old_element(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xbf16>) {
  // expected-error @below {{epilogue: expected to take and yield one 'bf16'}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<8x6xf32>) outs(%y : memref<?x6xbf16>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @yields_two(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>) {
  // expected-error @below {{epilogue: expected to take and yield one 'f32'}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<8x6xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0, %1 : f32, f32
  }
  return
}

// -----

func.func @yields_none(%a: memref<?x8xf32>, %w0: memref<8x6xf32>, %y: memref<?x6xf32>) {
  // expected-error @below {{epilogue: expected to take and yield one 'f32'}}
  moek.gemm ins(%a : memref<?x8xf32>) weights(%w0 : memref<8x6xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield
  }
  return
}

// -----

func.func @result(%a: tensor<?x8xf32>, %w0: tensor<8x6xf32>, %y: tensor<?x6xf32>) {
  // expected-error @below {{has 0 results for the destination 'tensor<?x6xf32>'}}
  moek.gemm ins(%a : tensor<?x8xf32>) weights(%w0 : tensor<8x6xf32>) outs(%y : tensor<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  }
  return
}

// -----

func.func @other_result(%a: tensor<?x8xf32>, %w: tensor<8x6xf32>, %y: tensor<?x6xf32>) {
  // expected-error @below {{result: expected 'tensor<?x6xf32>', got 'tensor<4x6xf32>'}}
  %r = moek.gemm ins(%a : tensor<?x8xf32>) weights(%w : tensor<8x6xf32>) outs(%y : tensor<?x6xf32>) {
  ^bb0(%0: f32, %1: f32):
    moek.yield %0 : f32
  } -> tensor<4x6xf32>
  return
}

// -----

func.func @pack_nothing(%p: memref<1x64xf32>) {
  // expected-error @below {{expected at least one weight}}
  "moek.pack"(%p) {layout = #moek.layout<panel = 4, block = 8, chunk = 1, pair = 1>} : (memref<1x64xf32>) -> ()
  return
}

// -----

func.func @pack_rank(%w0: memref<8xf32>, %p: memref<1x64xf32>) {
  // expected-error @below {{weights: expected rank 2 or 3, got 'memref<8xf32>'}}
  moek.pack %w0 as <panel = 4, block = 8, chunk = 1, pair = 1> outs(%p : memref<1x64xf32>) : memref<8xf32>
  return
}

// -----

func.func @pack_shapes(%w0: memref<8x6xf32>, %w1: memref<6x8xf32>, %p: memref<1x64xf32>) {
  // expected-error @below {{weights: expected all to be 'memref<8x6xf32>', got 'memref<6x8xf32>'}}
  moek.pack %w0, %w1 as <panel = 4, block = 8, chunk = 1, pair = 1> outs(%p : memref<1x64xf32>) : memref<8x6xf32>, memref<6x8xf32>
  return
}

// -----

func.func @pack_types(%w0: memref<8x6xf32>, %w1: memref<8x6xbf16>, %p: memref<1x64xf32>) {
  // expected-error @below {{weights: expected all to be 'memref<8x6xf32>', got 'memref<8x6xbf16>'}}
  moek.pack %w0, %w1 as <panel = 4, block = 8, chunk = 1, pair = 1> outs(%p : memref<1x64xf32>) : memref<8x6xf32>, memref<8x6xbf16>
  return
}

// -----

func.func @pack_panel(%w0: memref<8x6xf32>, %w1: memref<8x6xf32>, %w2: memref<8x6xf32>, %p: memref<1x64xf32>) {
  // expected-error @below {{layout: a panel of 4 columns cannot hold 3 accumulators}}
  moek.pack %w0, %w1, %w2 as <panel = 4, block = 8, chunk = 1, pair = 1> outs(%p : memref<1x64xf32>) : memref<8x6xf32>, memref<8x6xf32>, memref<8x6xf32>
  return
}

// -----

func.func @pack_size(%w0: memref<8x6xf32>, %p: memref<1x60xf32>) {
  // expected-error @below {{destination: expected 1 x 64 elements, got 'memref<1x60xf32>'}}
  moek.pack %w0 as <panel = 4, block = 8, chunk = 1, pair = 1> outs(%p : memref<1x60xf32>) : memref<8x6xf32>
  return
}

// -----

func.func @pack_transposed(%w0: memref<8x6xf32>, %p: memref<1x64xf32>) {
  // expected-error @below {{destination: expected 1 x 48 elements, got 'memref<1x64xf32>'}}
  moek.pack %w0 transposed as <panel = 4, block = 8, chunk = 1, pair = 1> outs(%p : memref<1x64xf32>) : memref<8x6xf32>
  return
}

// -----

func.func @pack_experts(%w0: memref<3x8x6xf32>, %p: memref<1x64xf32>) {
  // expected-error @below {{destination: expected 3 x 64 elements, got 'memref<1x64xf32>'}}
  moek.pack %w0 as <panel = 4, block = 8, chunk = 1, pair = 1> outs(%p : memref<1x64xf32>) : memref<3x8x6xf32>
  return
}

// -----

// expected-error @below {{panel, block and chunk must be at least 1}}
func.func private @chunk() attributes {layout = #moek.layout<panel = 4, block = 8, chunk = 0, pair = 1>}

// -----

// expected-error @below {{pair must be 1 or 2, got 3}}
func.func private @pair() attributes {layout = #moek.layout<panel = 4, block = 8, chunk = 1, pair = 3>}

// -----

// expected-error @below {{block 7 is not a multiple of pair 2}}
func.func private @block() attributes {layout = #moek.layout<panel = 4, block = 7, chunk = 1, pair = 2>}

// -----

func.func @f64_rows(%x: memref<?x8xf64>, %w: memref<8x5xf32>, %y: memref<?x5xf32>) {
  // expected-error @below {{expected elements of f32, bf16 or f16, got 'memref<?x8xf64>'}}
  moek.gemm ins(%x : memref<?x8xf64>) weights(%w : memref<8x5xf32>) outs(%y : memref<?x5xf32>) {
  ^bb0(%a: f32, %old: f32):
    moek.yield %a : f32
  }
  return
}

// -----

func.func @integer_weights(%x: memref<?x8xf32>, %w: memref<8x5xi32>, %y: memref<?x5xf32>) {
  // expected-error @below {{expected elements of f32, bf16 or f16, got 'memref<8x5xi32>'}}
  moek.gemm ins(%x : memref<?x8xf32>) weights(%w : memref<8x5xi32>) outs(%y : memref<?x5xf32>) {
  ^bb0(%a: f32, %old: f32):
    moek.yield %a : f32
  }
  return
}

// -----

func.func @narrow_accumulator(%x: memref<?x8xf32>, %w: memref<8x5xf32>, %y: memref<?x5xf32>) {
  // expected-error @below {{epilogue: expected accumulators of f32, got 'bf16'}}
  moek.gemm ins(%x : memref<?x8xf32>) weights(%w : memref<8x5xf32>) outs(%y : memref<?x5xf32>) {
  ^bb0(%a: bf16, %old: f32):
    moek.yield %old : f32
  }
  return
}

// -----

func.func @dynamic_offsets(%x: memref<?x8xf32>, %w: memref<8x5xf32>, %y: memref<?x5xf32>, %o: memref<?xi32>) {
  // expected-error @below {{offsets: expected a static number of at least 2, got 'memref<?xi32>'}}
  moek.gemm ins(%x : memref<?x8xf32>) offsets(%o : memref<?xi32>) weights(%w : memref<8x5xf32>) outs(%y : memref<?x5xf32>) {
  ^bb0(%a: f32, %old: f32):
    moek.yield %a : f32
  }
  return
}

// -----

func.func @one_offset(%x: memref<?x8xf32>, %w: memref<8x5xf32>, %y: memref<?x5xf32>, %o: memref<1xi32>) {
  // expected-error @below {{offsets: expected a static number of at least 2, got 'memref<1xi32>'}}
  moek.gemm ins(%x : memref<?x8xf32>) offsets(%o : memref<1xi32>) weights(%w : memref<8x5xf32>) outs(%y : memref<?x5xf32>) {
  ^bb0(%a: f32, %old: f32):
    moek.yield %a : f32
  }
  return
}

// -----

func.func @map_order(%x: memref<?x8xf32>, %w: memref<8x5xf32>, %y: memref<?x5xf32>, %e: memref<?x5xf32>) {
  // expected-error @below {{extra 0: expected n as the last dimension, got affine_map<(d0, d1, d2) -> (d2, d1)>}}
  moek.gemm ins(%x : memref<?x8xf32>) weights(%w : memref<8x5xf32>) extras(%e : memref<?x5xf32>) maps [affine_map<(g, s, n) -> (n, s)>] outs(%y : memref<?x5xf32>) {
  ^bb0(%a: f32, %p: f32, %old: f32):
    moek.yield %a : f32
  }
  return
}

// -----

func.func @no_sums(%x: memref<?x8xf32>, %w: memref<8x5xf32>, %y: memref<?x5xf32>, %s: memref<4x64xf32>) {
  // expected-error @below {{scratch: only rows of memrefs that are added up, times one weight [.., K, N], have one}}
  moek.gemm ins(%x : memref<?x8xf32>) weights(%w : memref<8x5xf32>) outs(%y : memref<?x5xf32>) scratch(%s : memref<4x64xf32>) {
  ^bb0(%a: f32, %old: f32):
    moek.yield %a : f32
  }
  return
}

// -----

func.func @narrow_scratch(%x: memref<?x8xf32>, %w: memref<8x65xf32>, %y: memref<?x65xf32>, %r: memref<?xi32>, %s: memref<4x65xf32>) {
  // expected-error @below {{scratch: expected 128 columns, got 'memref<4x65xf32>'}}
  moek.gemm ins(%x : memref<?x8xf32>) weights(%w : memref<8x65xf32>) outs(%y : memref<?x65xf32>) rows(%r by 2 : memref<?xi32>) scratch(%s : memref<4x65xf32>) {
  ^bb0(%a: f32, %old: f32):
    moek.yield %a : f32
  }
  return
}
