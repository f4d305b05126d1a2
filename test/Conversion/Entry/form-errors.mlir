// Each step of the way to an entry says which one it misses.
// RUN: split-file %s %t
// RUN: not moe-opt %t/plain.mlir --moe-entry 2>&1 | FileCheck %s --check-prefix=SPLIT
// RUN: not moe-opt %t/plain.mlir --moe-outline-requirements 2>&1 | FileCheck %s --check-prefix=SPLIT
// RUN: not moe-opt %t/plain.mlir --moe-plan-workspace 2>&1 | FileCheck %s --check-prefix=SPLIT
// RUN: not moe-opt %t/plain.mlir --moe-emit-entry 2>&1 | FileCheck %s --check-prefix=SPLIT
// SPLIT: plain.mlir:2:1: error: has no signature in 'moe.entry'; run moe-split-prepare first

// RUN: not moe-opt %t/plain.mlir --moe-split-prepare --moe-plan-workspace 2>&1 | FileCheck %s --check-prefix=ENTRY
// RUN: not moe-opt %t/plain.mlir --moe-split-prepare --moe-emit-entry 2>&1 | FileCheck %s --check-prefix=ENTRY
// ENTRY: plain.mlir:2:1: error: is not in the form that moe-entry leaves; run it first
// RUN: not moe-opt %t/plain.mlir --moe-split-prepare --moe-entry --moe-entry 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not moe-opt %t/lost.mlir --moe-entry 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: is not in the form that moe-split-prepare leaves; run it first
// RUN: not moe-opt %t/plain.mlir --moe-split-prepare --moe-entry --moe-emit-entry 2>&1 | FileCheck %s --check-prefix=PLAN
// PLAN: plain.mlir:2:1: error: has no companions yet; run moe-outline-requirements and moe-plan-workspace first

// A signature that was edited.
// RUN: not moe-opt %t/edited.mlir --split-input-file --moe-entry 2>&1 | FileCheck %s --check-prefix=EDITED
// EDITED-COUNT-6: error: has no signature in 'moe.entry'; run moe-split-prepare first

//--- plain.mlir
// The function starts in line 2.
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

//--- lost.mlir
func.func @f(%x: tensor<4xf32>) attributes {moe.entry = {arguments = [
    {dims = array<i64: 4>, element = f32, name = "x", role = 0}], symbols = []}} {
  return
}

//--- edited.mlir
func.func @not_a_dictionary() attributes {moe.entry = 3} {
  return
}
// -----
func.func @no_symbols() attributes {moe.entry = {arguments = []}} {
  return
}
// -----
func.func @not_a_list() attributes {moe.entry = {arguments = 3, symbols = []}} {
  return
}
// -----
func.func @role() attributes {moe.entry = {arguments = [
    {dims = array<i64>, element = f32, name = "x", role = 7}], symbols = []}} {
  return
}
// -----
func.func @symbol() attributes {moe.entry = {arguments = [
    {dims = array<i64: -2>, element = f32, name = "x", role = 0}], symbols = ["T"]}} {
  return
}
// -----
func.func @element() attributes {moe.entry = {arguments = [
    {dims = array<i64>, element = vector<4xf32>, name = "x", role = 0}], symbols = []}} {
  return
}
