// RUN: moe-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{argument 1: 'moe.weight' needs a tensor of static shape, got 'tensor<?x8xf32>'}}
func.func private @weight_dynamic(tensor<4xf32> {moe.weight}, tensor<?x8xf32> {moe.weight})

// -----

// expected-error @+1 {{argument 0: 'moe.weight' needs a tensor of static shape, got 'f32'}}
func.func private @weight_scalar(f32 {moe.weight})

// -----

// expected-error @+1 {{argument 0: 'moe.weight' needs a tensor of static shape, got 'memref<4xf32>'}}
func.func private @weight_memref(memref<4xf32> {moe.weight})

// -----

// expected-error @+1 {{argument 0: 'moe.weight' takes no value}}
func.func private @weight_value(tensor<4xf32> {moe.weight = true})

// -----

// expected-error @+1 {{result 0: 'moe.weight' belongs on a function argument}}
func.func private @weight_result() -> (tensor<4xf32> {moe.weight})

// -----

// expected-error @+1 {{argument 0: 'moe.dims' must be an array of strings}}
func.func private @dims_string(tensor<?xf32> {moe.dims = "T"})

// -----

// expected-error @+1 {{argument 0: 'moe.dims' must be an array of strings}}
func.func private @dims_integers(tensor<?xf32> {moe.dims = [1]})

// -----

// expected-error @+1 {{argument 0: 'moe.dims' has 1 names, 'tensor<?x8xf32>' has rank 2}}
func.func private @dims_few(tensor<?x8xf32> {moe.dims = ["T"]})

// -----

// expected-error @+1 {{result 0: 'moe.dims' has 2 names, 'tensor<?xf32>' has rank 1}}
func.func private @dims_many() -> (tensor<?xf32> {moe.dims = ["T", ""]})

// -----

// expected-error @+1 {{argument 0: 'moe.dims' has 1 names, 'f32' has rank 0}}
func.func private @dims_scalar(f32 {moe.dims = ["T"]})

// -----

// expected-error @+1 {{argument 0: 'moe.dims' names dimension 1 'd', but it is static in 'tensor<?x8xf32>'}}
func.func private @dims_static(tensor<?x8xf32> {moe.dims = ["T", "d"]})

// -----

// expected-error @+1 {{argument 0: 'moe.name' must be a non-empty string}}
func.func private @name_empty(tensor<4xf32> {moe.name = ""})

// -----

// expected-error @+1 {{result 0: 'moe.name' must be a non-empty string}}
func.func private @name_symbol() -> (tensor<4xf32> {moe.name = @x})

// -----

// expected-error @+1 {{argument 0: unknown attribute 'moe.wieght'}}
func.func private @misspelled(tensor<4xf32> {moe.wieght})

// -----

// expected-error @+1 {{result 1: unknown attribute 'moe.dim'}}
func.func private @misspelled_result() -> (f32, tensor<?xf32> {moe.dim = ["T"]})
