// RUN: moe-opt %s --one-shot-bufferize --canonicalize | FileCheck %s

// A destination that nobody reads needs no copy.
// CHECK-LABEL: @route
func.func @route(%x: memref<?x8xf32>, %i: memref<?x2xi32>, %w: memref<?x2xf32>) {
  %tx = bufferization.to_tensor %x restrict : memref<?x8xf32> to tensor<?x8xf32>
  %ti = bufferization.to_tensor %i restrict writable : memref<?x2xi32> to tensor<?x2xi32>
  %tw = bufferization.to_tensor %w restrict writable : memref<?x2xf32> to tensor<?x2xf32>
  // CHECK-NOT: alloc
  // CHECK: moek.route %arg0 score(softmax) weights(score) outs(%arg1, %arg2 : memref<?x2xi32>, memref<?x2xf32>) : memref<?x8xf32>
  // CHECK-NOT: copy
  // CHECK: return
  %r:2 = moek.route %tx score(softmax) weights(score) outs(%ti, %tw : tensor<?x2xi32>, tensor<?x2xf32>)
      : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  bufferization.materialize_in_destination %r#0 in restrict writable %i : (tensor<?x2xi32>, memref<?x2xi32>) -> ()
  bufferization.materialize_in_destination %r#1 in restrict writable %w : (tensor<?x2xf32>, memref<?x2xf32>) -> ()
  return
}

// A group gets its scratch.
// CHECK-LABEL: @group
func.func @group(%i: memref<?x2xi32>, %o: memref<20xi32>, %n: index) {
  %ti = bufferization.to_tensor %i restrict : memref<?x2xi32> to tensor<?x2xi32>
  %row = tensor.empty(%n) : tensor<?xi32>
  %slot = tensor.empty(%n) : tensor<?x2xi32>
  %to = bufferization.to_tensor %o restrict writable : memref<20xi32> to tensor<20xi32>
  // CHECK: %[[SCRATCH:.+]] = memref.alloc() {{.*}}: memref<65x32xi32>
  // CHECK: moek.group %arg0 scratch(%[[SCRATCH]] : memref<65x32xi32>) outs({{.+}}) : memref<?x2xi32>{{$}}
  %r:3 = moek.group %ti outs(%row, %slot, %to : tensor<?xi32>, tensor<?x2xi32>, tensor<20xi32>)
      : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<20xi32>
  bufferization.materialize_in_destination %r#2 in restrict writable %o : (tensor<20xi32>, memref<20xi32>) -> ()
  return
}
