// RUN: moe-opt %s --convert-scf-to-cf --convert-to-llvm --moe-annotate-loops | FileCheck %s
// RUN: moe-opt %s --convert-scf-to-cf --convert-to-llvm --moe-annotate-loops | mlir-translate --mlir-to-llvmir | FileCheck %s --check-prefix=IR

#unroll = #llvm.loop_unroll<full = true>
#annotation = #llvm.loop_annotation<unroll = #unroll>

// The branch that closes the loop has it, and LLVM sees it.
// CHECK-LABEL: @annotated
// IR-LABEL: @annotated
func.func @annotated(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK:     llvm.cond_br
  // CHECK:     llvm.br ^bb1({{.+}}) {loop_annotation = #loop_annotation}
  // CHECK-NOT: llvm.loop_annotation
  // IR: br label %{{.+}}, !llvm.loop ![[$LOOP:[0-9]+]]
  scf.for %i = %c0 to %n step %c1 {
  } {llvm.loop_annotation = #annotation}
  return
}

// CHECK-LABEL: @plain
// IR-LABEL: @plain
func.func @plain(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK-NOT: loop_annotation
  // IR-NOT: !llvm.loop
  scf.for %i = %c0 to %n step %c1 {
  }
  return
}

// IR: ![[$LOOP]] = distinct !{![[$LOOP]], ![[FULL:[0-9]+]]}
// IR: ![[FULL]] = !{!"llvm.loop.unroll.full"}
