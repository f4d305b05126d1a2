// RUN: moe-opt %s --moe-split-prepare --moe-entry --moe-outline-requirements --split-input-file --verify-diagnostics

func.func @data(%n: index, %x: tensor<?xf32> {moe.dims = ["T"]}) -> (tensor<?xf32> {moe.dims = ["T"]}) {
  %y = tensor.empty(%n) : tensor<?xf32>
  // expected-error @below {{dimension 0 of result0: a size does not follow from the dimensions of the entry's arguments}}
  return %y : tensor<?xf32>
}

// -----

func.func @branch(%c: i1, %n: index, %x: tensor<?xf32> {moe.dims = ["T"]}) {
  // expected-error @below {{sizes of scf.if: a size does not follow from the dimensions of the entry's arguments}}
  %y = scf.if %c -> tensor<?xf32> {
    %z = tensor.empty(%n) : tensor<?xf32>
    scf.yield %z : tensor<?xf32>
  } else {
    scf.yield %x : tensor<?xf32>
  }
  return
}

// -----

func.func @own(%n: index) {
  // expected-error @below {{tokens: a size does not follow from the dimensions of the entry's arguments}}
  moek.require %n eq %n, "tokens"
  return
}
