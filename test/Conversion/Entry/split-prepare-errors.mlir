// RUN: moe-opt %s --moe-split-prepare --split-input-file --verify-diagnostics

// What cannot cross the boundary.

// expected-error @below {{argument 0: 'memref<4xf32>' cannot be passed between a host and compiled code; expected a ranked tensor, or a scalar, of f64, f32, f16, bf16, f8E8M0FNU, i64, i32, i16, i8, ui8, i1 or index}}
func.func @memory(%x: memref<4xf32>) {
  return
}

// -----

// expected-error @below {{argument 0: 'tensor<*xf32>' cannot be passed}}
func.func @unranked(%x: tensor<*xf32>) {
  return
}

// -----

func.func @second(
    %x: tensor<4xf32>,
    // expected-error @below {{argument 1: 'tensor<4xcomplex<f32>>' cannot be passed}}
    %y: tensor<4xcomplex<f32>>) {
  return
}

// -----

// expected-error @below {{argument 0: 'vector<4xf32>' cannot be passed}}
func.func @vector(%x: vector<4xf32>) {
  return
}

// -----

// expected-error @below {{argument 0: 'tensor<3xi4>' has two elements a byte, so its last dimension must be static and even}}
func.func @half_a_byte(%x: tensor<3xi4>) {
  return
}

// -----

// expected-error @below {{result 0: 'tensor<4xi4>' cannot be passed between a host and compiled code; only tensors of arguments can have elements of four bits}}
func.func @nibbles(%x: tensor<4xi4>) -> tensor<4xi4> {
  return %x : tensor<4xi4>
}

// -----

// expected-error @below {{result 0: 'tensor<2xi128>' cannot be passed}}
func.func @wide() -> tensor<2xi128> {
  %y = arith.constant dense<1> : tensor<2xi128>
  return %y : tensor<2xi128>
}

// -----

// expected-error @below {{argument 0: rank 9 is more than 8}}
func.func @rank(%x: tensor<1x1x1x1x1x1x1x1x1xf32>) {
  return
}

// -----

// expected-error @below {{argument 0: 'tensor<4611686018427387904x4xf32>' is too large for any memory}}
func.func @size(%x: tensor<4611686018427387904x4xf32>) {
  return
}

// -----

// Names and sizes.

func.func @same_name(
    %x: tensor<4xf32> {moe.name = "x"},
    // expected-error @below {{argument 1: the name 'x' is taken by an earlier one}}
    %y: tensor<4xf32> {moe.name = "x"}) {
  return
}

// -----

// expected-error @below {{argument 0: a name has a zero byte in it}}
func.func @zero_byte(%x: tensor<4xf32> {moe.name = "x\00y"}) {
  return
}

// -----

// expected-error @below {{argument 0: a name has a zero byte in it}}
func.func @zero_byte_in_dimension(%x: tensor<?xf32> {moe.dims = ["T\00"]}) {
  return
}

// -----

// expected-error @below {{the name of an entry has a zero byte in it}}
func.func @"a\00b"(%x: tensor<4xf32>) {
  return
}

// -----

// expected-error @below {{result 0: dimension 0 is dynamic and has no name; 'moe.dims' names it}}
func.func @nameless(%x: tensor<?xf32> {moe.dims = ["T"]}) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// -----

// expected-error @below {{result 0: no argument has a dimension 'U'}}
func.func @unknown_dimension(%x: tensor<?xf32> {moe.dims = ["T"]}) -> (tensor<?xf32> {moe.dims = ["U"]}) {
  return %x : tensor<?xf32>
}

// -----

// Names that are needed.

func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
// expected-error @below {{the name 'f.prepare' is needed for what 'f' is compiled to; choose another one}}
func.func @f.prepare(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
// expected-error @below {{the name 'f.prepare.workspace' is needed for what 'f' is compiled to}}
func.func private @f.prepare.workspace()

// -----

// expected-error @below {{the name 'moert_enter' starts with 'moert_', as those of the runtime do; choose another one}}
func.func @moert_enter(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// What the pass assumes.

// expected-error @below {{an entry must have a single block; use scf for control flow}}
func.func @blocks(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^next
^next:
  return %x : tensor<4xf32>
}

// -----

func.func private @helper(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func @call(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{this call was not inlined (recursive, or a function without a body)}}
  %y = call @helper(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// expected-error @below {{is split already}}
func.func @twice(%x: tensor<4xf32>) attributes {moe.entry = {arguments = [], symbols = []}} {
  return
}
