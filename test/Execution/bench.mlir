// --bench: times, and how they compare with what the machine allows.

// 12 tokens, 2 of 4 experts each. A product of 24 rows of 8 by [8,5]: 24 * 5 * 2 * 8 = 1920;
// the sum of 2 weighted rows: 12 * 5 * 2 * 2 = 240. All 4 experts are hit, but for
// 4 * 0.5^12 of them: x 384 bytes, indices 96, weights 96, w 640 * (1 - 0.5^12), y 240.
// RUN: moe-run %s --entry=layer --dim=T=12 --random=1 --bench=3 --json > %t.json
// RUN: %python -c "import json, sys; r = json.load(open(sys.argv[1])); print(r['flops'], round(r['bytes'], 3)); m = r['median_ms']; l = r['limits']; print(abs(r['gflops'] * m * 1e6 - r['flops']) < 1, abs(r['gbs'] * m * 1e6 - r['bytes']) < 1); print(sorted(l), l['bandwidth_of']); print(abs(r['limit_ms'] - max(r['flops'] / l['peak_gflops'], r['bytes'] / l['bandwidth_gbs']) * 1e-6) < 1e-12, abs(r['roofline'] - r['limit_ms'] / m) < 1e-9, 0 < r['p10_ms'] <= m <= r['p90_ms'] <= r['max_ms'])" %t.json | FileCheck %s --check-prefix=JSON
// JSON:      2160 1455.844
// JSON-NEXT: True True
// JSON-NEXT: ['bandwidth_gbs', 'bandwidth_of', 'peak_gflops'] l2
// JSON-NEXT: True True True

// RUN: moe-run %s --entry=layer --dim=T=12 --random=1 --bench=3 | FileCheck %s --check-prefix=TEXT
// TEXT: 3 calls: median
// TEXT-NEXT: {{[0-9.e+-]+}} GFLOP/s, {{[0-9.e+-]+}} GB/s; the machine's limit is {{[0-9.e+-]+}} ms ({{[0-9.e+]+}} GFLOP/s, {{[0-9.e+]+}} GB/s from l2): {{[0-9]+}} % of it

// A number of iterations that is data: the times alone.
// RUN: moe-run %s --target=reference --entry=repeated --random=1 --bench=3 2>&1 | FileCheck %s --check-prefix=NOTE
// NOTE: moe-run: note: no GFLOP/s: cost: the iterations cannot be told from the given dimensions
// NOTE: 3 calls: median
// NOTE-NOT: GFLOP/s

func.func @layer(
    %x: tensor<?x8xf32> {moe.name = "x", moe.dims = ["T", ""]},
    %indices: tensor<?x2xi32> {moe.name = "indices", moe.dims = ["T", ""]},
    %weights: tensor<?x2xf32> {moe.name = "weights", moe.dims = ["T", ""]},
    %w: tensor<4x8x5xf32> {moe.weight, moe.name = "w"})
    -> (tensor<?x5xf32> {moe.name = "y", moe.dims = ["T", ""]}) {
  %row_slot, %slot_row, %offsets = moe.group %indices
    : tensor<?x2xi32> -> tensor<?xi32>, tensor<?x2xi32>, tensor<5xi32>
  %rows = moe.dispatch %x[%row_slot by 2] : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  %products = moe.grouped_matmul %rows, %w, %offsets
    : tensor<?x8xf32>, tensor<4x8x5xf32>, tensor<5xi32> -> tensor<?x5xf32>
  %y = moe.combine %products[%slot_row] weights(%weights : tensor<?x2xf32>)
    : tensor<?x5xf32>, tensor<?x2xi32> -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

func.func @repeated(%x: tensor<4xf32> {moe.name = "x"}, %n: tensor<1xi64> {moe.name = "n"})
    -> (tensor<4xf32> {moe.name = "y"}) {
  %c0 = arith.constant 0 : index
  %wide = tensor.extract %n[%c0] : tensor<1xi64>
  %trips = arith.index_cast %wide : i64 to index
  %y = moe.loop %trips init(%x : tensor<4xf32>) {
  ^bb0(%k: index, %h: tensor<4xf32>):
    %next = linalg.add ins(%h, %h : tensor<4xf32>, tensor<4xf32>) outs(%h : tensor<4xf32>) -> tensor<4xf32>
    moe.yield %next : tensor<4xf32>
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}
