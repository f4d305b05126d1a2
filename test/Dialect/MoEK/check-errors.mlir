// RUN: moe-opt %s --split-input-file --verify-diagnostics

func.func @unranked(%t: tensor<*xi32>, %a: index) {
  // expected-error @below {{operand #0 must be ranked tensor or memref of i32, but got 'tensor<*xi32>'}}
  moek.check_indices %t in %a to %a, "indices" : tensor<*xi32>
  return
}

// -----

func.func @wide(%t: tensor<4xi64>, %a: index) {
  // expected-error @below {{operand #0 must be ranked tensor or memref of i32, but got 'tensor<4xi64>'}}
  moek.check_indices %t in %a to %a, "indices" : tensor<4xi64>
  return
}

// -----

func.func @matrix(%t: tensor<4x2xi32>, %a: index) {
  // expected-error @below {{operand #0 must be vector of i32, but got 'tensor<4x2xi32>'}}
  moek.check_offsets %t to %a, "offsets" : tensor<4x2xi32>
  return
}

// -----

func.func @relation(%a: index) {
  // expected-error @below {{expected string or keyword containing one of the following enum values for attribute 'relation' [eq, le]}}
  moek.require %a lt %a, "sizes"
  return
}
