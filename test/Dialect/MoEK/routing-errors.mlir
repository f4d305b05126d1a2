// RUN: moe-opt %s --split-input-file --verify-diagnostics

func.func @f64(%x: memref<?x8xf64>, %i: memref<?x2xi32>, %w: memref<?x2xf32>) {
  // expected-error @below {{operand #0 must be tensor or memref of rank 2 of f32, f16 or bf16, but got 'memref<?x8xf64>'}}
  moek.route %x score(softmax) weights(score) outs(%i, %w : memref<?x2xi32>, memref<?x2xf32>) : memref<?x8xf64>
  return
}

// -----

func.func @destinations(%x: memref<?x8xf32>, %i: memref<?x2xi32>) {
  // expected-error @below {{has 1 destinations, expected 2}}
  moek.route %x score(softmax) weights(score) outs(%i : memref<?x2xi32>) : memref<?x8xf32>
  return
}

// -----

func.func @swapped(%x: memref<?x8xf32>, %i: memref<?x2xi32>, %w: memref<?x2xf32>) {
  // expected-error @below {{destination 0: expected i32 of rank 2, got 'memref<?x2xf32>'}}
  moek.route %x score(softmax) weights(score) outs(%w, %i : memref<?x2xf32>, memref<?x2xi32>) : memref<?x8xf32>
  return
}

// -----

func.func @mixed(%x: memref<?x8xf32>, %i: memref<?x2xi32>, %w: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{has both tensors and memrefs as destinations}}
  %r = moek.route %x score(softmax) weights(score) outs(%i, %w : memref<?x2xi32>, tensor<?x2xf32>) : memref<?x8xf32> -> tensor<?x2xf32>
  return %r : tensor<?x2xf32>
}

// -----

func.func @slots(%x: memref<?x8xf32>, %i: memref<?x2xi32>, %w: memref<?x3xf32>) {
  // expected-error @below {{expected both destinations to have one static number of slots of at least 1, got 'memref<?x2xi32>' and 'memref<?x3xf32>'}}
  moek.top_k %x outs(%i, %w : memref<?x2xi32>, memref<?x3xf32>) : memref<?x8xf32>
  return
}

// -----

func.func @too_many(%x: memref<?x1xf32>, %i: memref<?x2xi32>, %w: memref<?x2xf32>) {
  // expected-error @below {{selects 2 of the experts of 'memref<?x1xf32>'}}
  moek.route %x score(softmax) weights(score) outs(%i, %w : memref<?x2xi32>, memref<?x2xf32>) : memref<?x1xf32>
  return
}

// -----

func.func @bias_and_keys(%x: memref<?x8xf32>, %b: memref<8xf32>, %i: memref<?x2xi32>, %w: memref<?x2xf32>) {
  // expected-error @below {{takes a bias or keys, not both}}
  moek.route %x bias(%b : memref<8xf32>) keys(%x : memref<?x8xf32>) score(softmax) weights(score)
      outs(%i, %w : memref<?x2xi32>, memref<?x2xf32>) : memref<?x8xf32>
  return
}

// -----

func.func @bias(%x: memref<?x8xf32>, %b: memref<7xf32>, %i: memref<?x2xi32>, %w: memref<?x2xf32>) {
  // expected-error @below {{bias: expected 8 elements, got 'memref<7xf32>'}}
  moek.route %x bias(%b : memref<7xf32>) score(softmax) weights(score)
      outs(%i, %w : memref<?x2xi32>, memref<?x2xf32>) : memref<?x8xf32>
  return
}

// -----

func.func @keys(%x: memref<?x8xf32>, %k: memref<?x9xf32>, %i: memref<?x2xi32>, %w: memref<?x2xf32>) {
  // expected-error @below {{keys: expected rows of 8 elements, got 'memref<?x9xf32>'}}
  moek.route %x keys(%k : memref<?x9xf32>) score(softmax) weights(score)
      outs(%i, %w : memref<?x2xi32>, memref<?x2xf32>) : memref<?x8xf32>
  return
}

// -----

func.func @groups(%x: memref<?x8xf32>, %i: memref<?x2xi32>, %w: memref<?x2xf32>) {
  // expected-error @below {{groups: cannot keep 2 of 3 groups of 8 experts by their 1 best}}
  moek.route %x score(softmax) weights(score) groups(3 keep 2 by top_sum 1)
      outs(%i, %w : memref<?x2xi32>, memref<?x2xf32>) : memref<?x8xf32>
  return
}

// -----

func.func @values(%x: memref<?x8xf32>, %v: memref<?x9xf32>, %i: memref<?x2xi32>, %w: memref<?x2xf32>) {
  // expected-error @below {{values: expected the shape of 'memref<?x8xf32>', got 'memref<?x9xf32>'}}
  moek.top_k %x values(%v : memref<?x9xf32>) outs(%i, %w : memref<?x2xi32>, memref<?x2xf32>) : memref<?x8xf32>
  return
}

// -----

func.func @no_scratch(%i: memref<?x2xi32>, %r: memref<?xi32>, %o: memref<9xi32>) {
  // expected-error @below {{on memrefs needs a scratch}}
  moek.group %i outs(%r, %i, %o : memref<?xi32>, memref<?x2xi32>, memref<9xi32>) : memref<?x2xi32>
  return
}

// -----

func.func @wrong_scratch(%i: memref<?x2xi32>, %s: memref<8x8xi32>, %r: memref<?xi32>, %o: memref<9xi32>) {
  // expected-error @below {{scratch: expected 'memref<65x16xi32>', got 'memref<8x8xi32>'}}
  moek.group %i scratch(%s : memref<8x8xi32>) outs(%r, %i, %o : memref<?xi32>, memref<?x2xi32>, memref<9xi32>) : memref<?x2xi32>
  return
}

// -----

func.func @group_destinations(%i: memref<?x2xi32>, %s: memref<65x16xi32>, %r: memref<?xi32>, %o: memref<9xi32>) {
  // expected-error @below {{destination 0: expected i32 of rank 1, got 'memref<?x2xi32>'}}
  moek.group %i scratch(%s : memref<65x16xi32>) outs(%i, %r, %o : memref<?x2xi32>, memref<?xi32>, memref<9xi32>) : memref<?x2xi32>
  return
}

// -----

func.func @dynamic_slots(%i: memref<?x?xi32>, %s: memref<65x16xi32>, %r: memref<?xi32>, %o: memref<9xi32>) {
  // expected-error @below {{expected static numbers of slots and experts of at least 1, got 'memref<?x?xi32>' and 'memref<9xi32>'}}
  moek.group %i scratch(%s : memref<65x16xi32>) outs(%r, %i, %o : memref<?xi32>, memref<?x?xi32>, memref<9xi32>) : memref<?x?xi32>
  return
}
