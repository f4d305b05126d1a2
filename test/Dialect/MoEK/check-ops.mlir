// RUN: moe-opt %s | moe-opt | FileCheck %s
// RUN: moe-opt %s --mlir-print-op-generic | moe-opt | FileCheck %s
// RUN: moe-opt %s --emit-bytecode | moe-opt | FileCheck %s

// CHECK-LABEL: @requirements
func.func @requirements(%a: index, %b: index) {
  // CHECK: moek.require %{{.+}} eq %{{.+}}, "sizes"
  moek.require %a eq %b, "sizes"
  // CHECK: moek.require %{{.+}} le %{{.+}}, "rows"
  moek.require %a le %b, "rows"
  return
}

// CHECK-LABEL: @numbers
func.func @numbers(%a: index, %b: index) {
  // CHECK: moek.check_limit %{{.+}} le %{{.+}}, "trip count"
  moek.check_limit %a le %b, "trip count"
  // CHECK: moek.check_index %{{.+}} to %{{.+}}, "index"
  moek.check_index %a to %b, "index"
  return
}

// CHECK-LABEL: @buffers
func.func @buffers(%t: tensor<?x2xi32>, %m: memref<4xi32, strided<[2]>>, %o: tensor<9xi32>, %a: index) {
  // CHECK: moek.check_indices %{{.+}} in %{{.+}} to %{{.+}}, "indices" : tensor<?x2xi32>
  moek.check_indices %t in %a to %a, "indices" : tensor<?x2xi32>
  // CHECK: moek.check_indices {{.+}} : memref<4xi32, strided<[2]>>
  moek.check_indices %m in %a to %a, "indices" : memref<4xi32, strided<[2]>>
  // CHECK: moek.check_offsets %{{.+}} to %{{.+}}, "offsets" : tensor<9xi32>
  moek.check_offsets %o to %a, "offsets" : tensor<9xi32>
  return
}
