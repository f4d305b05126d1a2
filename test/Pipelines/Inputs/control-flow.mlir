// Loops and branches as one writes them, whose buffers are easily mixed up. The
// inputs are x = [1, 2, 3], y = [10, 20, 30], n = 3.

func.func @loops(%x: tensor<3xf32>, %y: tensor<3xf32>, %n: index)
    -> (tensor<3xf32> {moe.name = "swap0"}, tensor<3xf32> {moe.name = "swap1"},
        tensor<3xf32> {moe.name = "fib0"}, tensor<3xf32> {moe.name = "fib1"},
        tensor<3xf32> {moe.name = "nested"}, tensor<3xf32> {moe.name = "while"},
        tensor<3xf32> {moe.name = "inputs"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %swap:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %y) -> (tensor<3xf32>, tensor<3xf32>) {
    scf.yield %b, %a : tensor<3xf32>, tensor<3xf32>
  }
  %fib:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %y) -> (tensor<3xf32>, tensor<3xf32>) {
    %sum = arith.addf %a, %b : tensor<3xf32>
    scf.yield %b, %sum : tensor<3xf32>, tensor<3xf32>
  }
  // An inner loop on a state of the outer one, whose other state is read after it.
  %nested:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %y) -> (tensor<3xf32>, tensor<3xf32>) {
    %inner = scf.for %j = %c0 to %n step %c1 iter_args(%c = %b) -> tensor<3xf32> {
      %sum = arith.addf %c, %a : tensor<3xf32>
      scf.yield %sum : tensor<3xf32>
    }
    %difference = arith.subf %inner, %b : tensor<3xf32>
    scf.yield %difference, %inner : tensor<3xf32>, tensor<3xf32>
  }
  %while:3 = scf.while (%i = %c0, %a = %x, %b = %y)
      : (index, tensor<3xf32>, tensor<3xf32>) -> (tensor<3xf32>, index, tensor<3xf32>) {
    %more = arith.cmpi slt, %i, %n : index
    scf.condition(%more) %b, %i, %a : tensor<3xf32>, index, tensor<3xf32>
  } do {
  ^bb0(%b: tensor<3xf32>, %i: index, %a: tensor<3xf32>):
    %j = arith.addi %i, %c1 : index
    scf.yield %j, %b, %a : index, tensor<3xf32>, tensor<3xf32>
  }
  // The inputs are as they were.
  %inputs = arith.addf %x, %y : tensor<3xf32>
  return %swap#0, %swap#1, %fib#0, %fib#1, %nested#0, %while#0, %inputs
      : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

func.func @branches(%x: tensor<3xf32>, %y: tensor<3xf32>, %n: index)
    -> (tensor<3xf32> {moe.name = "then"}, tensor<3xf32> {moe.name = "else"},
        tensor<3xf32> {moe.name = "case"}, tensor<3xf32> {moe.name = "twice"}) {
  %c2 = arith.constant 2 : index
  %c9 = arith.constant 9 : index
  %yes = arith.cmpi sgt, %n, %c2 : index
  %no = arith.cmpi sgt, %n, %c9 : index
  %then = scf.if %yes -> tensor<3xf32> {
    %a = arith.addf %x, %x : tensor<3xf32>
    scf.yield %a : tensor<3xf32>
  } else {
    scf.yield %y : tensor<3xf32>
  }
  %else = scf.if %no -> tensor<3xf32> {
    %a = arith.addf %x, %x : tensor<3xf32>
    scf.yield %a : tensor<3xf32>
  } else {
    scf.yield %y : tensor<3xf32>
  }
  %case = scf.index_switch %n -> tensor<3xf32>
  case 1 {
    scf.yield %x : tensor<3xf32>
  }
  case 3 {
    %a = arith.mulf %x, %y : tensor<3xf32>
    scf.yield %a : tensor<3xf32>
  }
  default {
    scf.yield %y : tensor<3xf32>
  }
  // A scratch buffer in a loop, and two results from it.
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %twice = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> tensor<3xf32> {
    %scratch = arith.addf %s, %y : tensor<3xf32>
    %odd = scf.if %yes -> tensor<3xf32> {
      scf.yield %scratch : tensor<3xf32>
    } else {
      scf.yield %s : tensor<3xf32>
    }
    %next = arith.subf %odd, %x : tensor<3xf32>
    scf.yield %next : tensor<3xf32>
  }
  return %then, %else, %case, %twice : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}
