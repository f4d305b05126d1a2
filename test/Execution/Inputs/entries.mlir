// Two entries by hand, in the form that the pipelines end with: descriptors as
// runtime/include/moert/moert.h lays them out, and the functions they point to.
//
//   scale(x: f32[T, 4], w: weight f32[4]) -> (y: f32[T, 4])     y = x w, w packed,
//         a task for each row, by way of the workspace
//   pick(x: f32[N, 2], rows: i32[M]) -> (result0: f32[M, 2])    y[m] = x[rows[m]]

!arg = !llvm.struct<(ptr, i8, i8, i8, i8, ptr)>
!entry = !llvm.struct<(i32, i32, ptr, ptr, i64, i32, i32, ptr, ptr, ptr, i64, i64,
                       ptr, ptr, ptr)>

llvm.func @moert_enter(!llvm.ptr)
llvm.func @moert_leave(!llvm.ptr) -> i32
llvm.func @moert_parallel_for(!llvm.ptr, i64, !llvm.ptr, !llvm.ptr)
llvm.func @moert_check_indices(!llvm.ptr, !llvm.ptr, i64, i64, i64, !llvm.ptr)

llvm.mlir.global private constant @name_scale("scale\00")
llvm.mlir.global private constant @name_pick("pick\00")
llvm.mlir.global private constant @name_target("reference\00")
llvm.mlir.global private constant @name_x("x\00")
llvm.mlir.global private constant @name_w("w\00")
llvm.mlir.global private constant @name_y("y\00")
llvm.mlir.global private constant @name_rows("rows\00")
llvm.mlir.global private constant @name_result("result0\00")
llvm.mlir.global private constant @name_T("T\00")
llvm.mlir.global private constant @name_N("N\00")
llvm.mlir.global private constant @name_M("M\00")

llvm.mlir.global private constant @sizes(dense<[4, 2]> : tensor<2xi64>) : !llvm.array<2 x i64>
// Negative numbers are the complement of a symbol's.
llvm.mlir.global private constant @dims_T4(dense<[-1, 0]> : tensor<2xi32>) : !llvm.array<2 x i32>
llvm.mlir.global private constant @dims_4(dense<[0]> : tensor<1xi32>) : !llvm.array<1 x i32>
llvm.mlir.global private constant @dims_N2(dense<[-1, 1]> : tensor<2xi32>) : !llvm.array<2 x i32>
llvm.mlir.global private constant @dims_M2(dense<[-2, 1]> : tensor<2xi32>) : !llvm.array<2 x i32>
llvm.mlir.global private constant @dims_M(dense<[-2]> : tensor<1xi32>) : !llvm.array<1 x i32>

//===----------------------------------------------------------------------===//
// scale
//===----------------------------------------------------------------------===//

llvm.mlir.global private constant @symbols_scale() : !llvm.array<1 x ptr> {
  %0 = llvm.mlir.undef : !llvm.array<1 x ptr>
  %T = llvm.mlir.addressof @name_T : !llvm.ptr
  %1 = llvm.insertvalue %T, %0[0] : !llvm.array<1 x ptr>
  llvm.return %1 : !llvm.array<1 x ptr>
}

llvm.mlir.global private constant @args_scale() : !llvm.array<3 x !arg> {
  %0 = llvm.mlir.zero : !llvm.array<3 x !arg>
  %f32 = llvm.mlir.constant(2 : i8) : i8
  %one = llvm.mlir.constant(1 : i8) : i8
  %two = llvm.mlir.constant(2 : i8) : i8
  %x = llvm.mlir.addressof @name_x : !llvm.ptr
  %w = llvm.mlir.addressof @name_w : !llvm.ptr
  %y = llvm.mlir.addressof @name_y : !llvm.ptr
  %T4 = llvm.mlir.addressof @dims_T4 : !llvm.ptr
  %4 = llvm.mlir.addressof @dims_4 : !llvm.ptr
  %x0 = llvm.insertvalue %x, %0[0, 0] : !llvm.array<3 x !arg>
  %x1 = llvm.insertvalue %f32, %x0[0, 2] : !llvm.array<3 x !arg>
  %x2 = llvm.insertvalue %two, %x1[0, 3] : !llvm.array<3 x !arg>
  %x3 = llvm.insertvalue %T4, %x2[0, 5] : !llvm.array<3 x !arg>
  %w0 = llvm.insertvalue %w, %x3[1, 0] : !llvm.array<3 x !arg>
  %w1 = llvm.insertvalue %one, %w0[1, 1] : !llvm.array<3 x !arg>
  %w2 = llvm.insertvalue %f32, %w1[1, 2] : !llvm.array<3 x !arg>
  %w3 = llvm.insertvalue %one, %w2[1, 3] : !llvm.array<3 x !arg>
  %w4 = llvm.insertvalue %4, %w3[1, 5] : !llvm.array<3 x !arg>
  %y0 = llvm.insertvalue %y, %w4[2, 0] : !llvm.array<3 x !arg>
  %y1 = llvm.insertvalue %two, %y0[2, 1] : !llvm.array<3 x !arg>
  %y2 = llvm.insertvalue %f32, %y1[2, 2] : !llvm.array<3 x !arg>
  %y3 = llvm.insertvalue %two, %y2[2, 3] : !llvm.array<3 x !arg>
  %y4 = llvm.insertvalue %T4, %y3[2, 5] : !llvm.array<3 x !arg>
  llvm.return %y4 : !llvm.array<3 x !arg>
}

llvm.func @scale_prepare(%context: !llvm.ptr, %weights: !llvm.ptr, %packed: !llvm.ptr) -> i32 {
  %ok = llvm.mlir.constant(0 : i32) : i32
  %w = llvm.load %weights : !llvm.ptr -> !llvm.ptr
  "llvm.intr.memcpy.inline"(%packed, %w) <{isVolatile = false, len = 16 : i64}> : (!llvm.ptr, !llvm.ptr) -> ()
  llvm.return %ok : i32
}

llvm.func @scale_workspace_bytes(%symbols: !llvm.ptr) -> i64 {
  %bytes = llvm.mlir.constant(16 : i64) : i64
  %none = llvm.mlir.constant(-1 : i64) : i64
  %T = llvm.load %symbols : !llvm.ptr -> i64
  %product = "llvm.intr.smul.with.overflow"(%T, %bytes) : (i64, i64) -> !llvm.struct<(i64, i1)>
  %value = llvm.extractvalue %product[0] : !llvm.struct<(i64, i1)>
  %overflow = llvm.extractvalue %product[1] : !llvm.struct<(i64, i1)>
  %result = llvm.select %overflow, %none, %value : i1, i64
  llvm.return %result : i64
}

// args: x, y, packed, workspace.
llvm.func @scale_row(%args: !llvm.ptr, %t: i64) {
  %four = llvm.mlir.constant(4 : i64) : i64
  %begin = llvm.mul %t, %four : i64
  %px = llvm.load %args : !llvm.ptr -> !llvm.ptr
  %1 = llvm.getelementptr %args[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %py = llvm.load %1 : !llvm.ptr -> !llvm.ptr
  %2 = llvm.getelementptr %args[2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %packed = llvm.load %2 : !llvm.ptr -> !llvm.ptr
  %3 = llvm.getelementptr %args[3] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %workspace = llvm.load %3 : !llvm.ptr -> !llvm.ptr
  %x = llvm.getelementptr %px[%begin] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %y = llvm.getelementptr %py[%begin] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %s = llvm.getelementptr %workspace[%begin] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %row = llvm.load %x {alignment = 4 : i64} : !llvm.ptr -> vector<4xf32>
  llvm.store %row, %s {alignment = 4 : i64} : vector<4xf32>, !llvm.ptr
  %staged = llvm.load volatile %s {alignment = 4 : i64} : !llvm.ptr -> vector<4xf32>
  %w = llvm.load %packed {alignment = 4 : i64} : !llvm.ptr -> vector<4xf32>
  %scaled = llvm.fmul %staged, %w : vector<4xf32>
  llvm.store %scaled, %y {alignment = 4 : i64} : vector<4xf32>, !llvm.ptr
  llvm.return
}

llvm.func @scale_run(%context: !llvm.ptr, %inputs: !llvm.ptr, %outputs: !llvm.ptr,
                     %symbols: !llvm.ptr, %packed: !llvm.ptr, %workspace: !llvm.ptr) -> i32 {
  %four = llvm.mlir.constant(4 : i64) : i64
  %args = llvm.alloca %four x !llvm.ptr : (i64) -> !llvm.ptr
  %1 = llvm.getelementptr %args[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %2 = llvm.getelementptr %args[2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %3 = llvm.getelementptr %args[3] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %x = llvm.load %inputs : !llvm.ptr -> !llvm.ptr
  %y = llvm.load %outputs : !llvm.ptr -> !llvm.ptr
  llvm.store %x, %args : !llvm.ptr, !llvm.ptr
  llvm.store %y, %1 : !llvm.ptr, !llvm.ptr
  llvm.store %packed, %2 : !llvm.ptr, !llvm.ptr
  llvm.store %workspace, %3 : !llvm.ptr, !llvm.ptr
  %T = llvm.load %symbols : !llvm.ptr -> i64
  %body = llvm.mlir.addressof @scale_row : !llvm.ptr
  llvm.call @moert_enter(%context) : (!llvm.ptr) -> ()
  llvm.call @moert_parallel_for(%context, %T, %body, %args) : (!llvm.ptr, i64, !llvm.ptr, !llvm.ptr) -> ()
  %status = llvm.call @moert_leave(%context) : (!llvm.ptr) -> i32
  llvm.return %status : i32
}

llvm.mlir.global constant @moert_entry_scale() : !entry {
  %0 = llvm.mlir.zero : !entry
  %abi = llvm.mlir.constant(1 : i32) : i32
  %size = llvm.mlir.constant(104 : i32) : i32
  %name = llvm.mlir.addressof @name_scale : !llvm.ptr
  %target = llvm.mlir.addressof @name_target : !llvm.ptr
  %three = llvm.mlir.constant(3 : i32) : i32
  %one = llvm.mlir.constant(1 : i32) : i32
  %args = llvm.mlir.addressof @args_scale : !llvm.ptr
  %sizes = llvm.mlir.addressof @sizes : !llvm.ptr
  %symbols = llvm.mlir.addressof @symbols_scale : !llvm.ptr
  %packed = llvm.mlir.constant(16 : i64) : i64
  %hash = llvm.mlir.constant(77 : i64) : i64
  %prepare = llvm.mlir.addressof @scale_prepare : !llvm.ptr
  %workspace = llvm.mlir.addressof @scale_workspace_bytes : !llvm.ptr
  %run = llvm.mlir.addressof @scale_run : !llvm.ptr
  %1 = llvm.insertvalue %abi, %0[0] : !entry
  %2 = llvm.insertvalue %size, %1[1] : !entry
  %3 = llvm.insertvalue %name, %2[2] : !entry
  %4 = llvm.insertvalue %target, %3[3] : !entry
  %5 = llvm.insertvalue %three, %4[5] : !entry
  %6 = llvm.insertvalue %one, %5[6] : !entry
  %7 = llvm.insertvalue %args, %6[7] : !entry
  %8 = llvm.insertvalue %sizes, %7[8] : !entry
  %9 = llvm.insertvalue %symbols, %8[9] : !entry
  %10 = llvm.insertvalue %packed, %9[10] : !entry
  %11 = llvm.insertvalue %hash, %10[11] : !entry
  %12 = llvm.insertvalue %prepare, %11[12] : !entry
  %13 = llvm.insertvalue %workspace, %12[13] : !entry
  %14 = llvm.insertvalue %run, %13[14] : !entry
  llvm.return %14 : !entry
}

//===----------------------------------------------------------------------===//
// pick
//===----------------------------------------------------------------------===//

llvm.mlir.global private constant @symbols_pick() : !llvm.array<2 x ptr> {
  %0 = llvm.mlir.undef : !llvm.array<2 x ptr>
  %N = llvm.mlir.addressof @name_N : !llvm.ptr
  %M = llvm.mlir.addressof @name_M : !llvm.ptr
  %1 = llvm.insertvalue %N, %0[0] : !llvm.array<2 x ptr>
  %2 = llvm.insertvalue %M, %1[1] : !llvm.array<2 x ptr>
  llvm.return %2 : !llvm.array<2 x ptr>
}

llvm.mlir.global private constant @args_pick() : !llvm.array<3 x !arg> {
  %0 = llvm.mlir.zero : !llvm.array<3 x !arg>
  %f32 = llvm.mlir.constant(2 : i8) : i8
  %i32 = llvm.mlir.constant(6 : i8) : i8
  %one = llvm.mlir.constant(1 : i8) : i8
  %two = llvm.mlir.constant(2 : i8) : i8
  %x = llvm.mlir.addressof @name_x : !llvm.ptr
  %rows = llvm.mlir.addressof @name_rows : !llvm.ptr
  %y = llvm.mlir.addressof @name_result : !llvm.ptr
  %N2 = llvm.mlir.addressof @dims_N2 : !llvm.ptr
  %M = llvm.mlir.addressof @dims_M : !llvm.ptr
  %M2 = llvm.mlir.addressof @dims_M2 : !llvm.ptr
  %x0 = llvm.insertvalue %x, %0[0, 0] : !llvm.array<3 x !arg>
  %x1 = llvm.insertvalue %f32, %x0[0, 2] : !llvm.array<3 x !arg>
  %x2 = llvm.insertvalue %two, %x1[0, 3] : !llvm.array<3 x !arg>
  %x3 = llvm.insertvalue %N2, %x2[0, 5] : !llvm.array<3 x !arg>
  %r0 = llvm.insertvalue %rows, %x3[1, 0] : !llvm.array<3 x !arg>
  %r2 = llvm.insertvalue %i32, %r0[1, 2] : !llvm.array<3 x !arg>
  %r3 = llvm.insertvalue %one, %r2[1, 3] : !llvm.array<3 x !arg>
  %r4 = llvm.insertvalue %M, %r3[1, 5] : !llvm.array<3 x !arg>
  %y0 = llvm.insertvalue %y, %r4[2, 0] : !llvm.array<3 x !arg>
  %y1 = llvm.insertvalue %two, %y0[2, 1] : !llvm.array<3 x !arg>
  %y2 = llvm.insertvalue %f32, %y1[2, 2] : !llvm.array<3 x !arg>
  %y3 = llvm.insertvalue %two, %y2[2, 3] : !llvm.array<3 x !arg>
  %y4 = llvm.insertvalue %M2, %y3[2, 5] : !llvm.array<3 x !arg>
  llvm.return %y4 : !llvm.array<3 x !arg>
}

llvm.func @pick_prepare(%context: !llvm.ptr, %weights: !llvm.ptr, %packed: !llvm.ptr) -> i32 {
  %ok = llvm.mlir.constant(0 : i32) : i32
  llvm.return %ok : i32
}

llvm.func @pick_workspace_bytes(%symbols: !llvm.ptr) -> i64 {
  %none = llvm.mlir.constant(0 : i64) : i64
  llvm.return %none : i64
}

llvm.func @pick_run(%context: !llvm.ptr, %inputs: !llvm.ptr, %outputs: !llvm.ptr,
                    %symbols: !llvm.ptr, %packed: !llvm.ptr, %workspace: !llvm.ptr) -> i32 {
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %two = llvm.mlir.constant(2 : i64) : i64
  %what = llvm.mlir.addressof @name_rows : !llvm.ptr
  %x = llvm.load %inputs : !llvm.ptr -> !llvm.ptr
  %1 = llvm.getelementptr %inputs[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %rows = llvm.load %1 : !llvm.ptr -> !llvm.ptr
  %y = llvm.load %outputs : !llvm.ptr -> !llvm.ptr
  %N = llvm.load %symbols : !llvm.ptr -> i64
  %2 = llvm.getelementptr %symbols[1] : (!llvm.ptr) -> !llvm.ptr, i64
  %M = llvm.load %2 : !llvm.ptr -> i64
  llvm.call @moert_enter(%context) : (!llvm.ptr) -> ()
  llvm.call @moert_check_indices(%context, %rows, %M, %zero, %N, %what) : (!llvm.ptr, !llvm.ptr, i64, i64, i64, !llvm.ptr) -> ()
  llvm.br ^loop(%zero : i64)
^loop(%m: i64):
  %more = llvm.icmp "slt" %m, %M : i64
  llvm.cond_br %more, ^body, ^end
^body:
  %3 = llvm.getelementptr %rows[%m] : (!llvm.ptr, i64) -> !llvm.ptr, i32
  %n32 = llvm.load %3 : !llvm.ptr -> i32
  %n = llvm.sext %n32 : i32 to i64
  %next = llvm.add %m, %one : i64
  %inside = llvm.icmp "ult" %n, %N : i64
  llvm.cond_br %inside, ^copy, ^loop(%next : i64)
^copy:
  %from = llvm.mul %n, %two : i64
  %to = llvm.mul %m, %two : i64
  %px = llvm.getelementptr %x[%from] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %py = llvm.getelementptr %y[%to] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %row = llvm.load %px {alignment = 4 : i64} : !llvm.ptr -> vector<2xf32>
  llvm.store %row, %py {alignment = 4 : i64} : vector<2xf32>, !llvm.ptr
  llvm.br ^loop(%next : i64)
^end:
  %status = llvm.call @moert_leave(%context) : (!llvm.ptr) -> i32
  llvm.return %status : i32
}

llvm.mlir.global constant @moert_entry_pick() : !entry {
  %0 = llvm.mlir.zero : !entry
  %abi = llvm.mlir.constant(1 : i32) : i32
  %size = llvm.mlir.constant(104 : i32) : i32
  %name = llvm.mlir.addressof @name_pick : !llvm.ptr
  %target = llvm.mlir.addressof @name_target : !llvm.ptr
  %three = llvm.mlir.constant(3 : i32) : i32
  %two = llvm.mlir.constant(2 : i32) : i32
  %args = llvm.mlir.addressof @args_pick : !llvm.ptr
  %sizes = llvm.mlir.addressof @sizes : !llvm.ptr
  %symbols = llvm.mlir.addressof @symbols_pick : !llvm.ptr
  %prepare = llvm.mlir.addressof @pick_prepare : !llvm.ptr
  %workspace = llvm.mlir.addressof @pick_workspace_bytes : !llvm.ptr
  %run = llvm.mlir.addressof @pick_run : !llvm.ptr
  %1 = llvm.insertvalue %abi, %0[0] : !entry
  %2 = llvm.insertvalue %size, %1[1] : !entry
  %3 = llvm.insertvalue %name, %2[2] : !entry
  %4 = llvm.insertvalue %target, %3[3] : !entry
  %5 = llvm.insertvalue %three, %4[5] : !entry
  %6 = llvm.insertvalue %two, %5[6] : !entry
  %7 = llvm.insertvalue %args, %6[7] : !entry
  %8 = llvm.insertvalue %sizes, %7[8] : !entry
  %9 = llvm.insertvalue %symbols, %8[9] : !entry
  %12 = llvm.insertvalue %prepare, %9[12] : !entry
  %13 = llvm.insertvalue %workspace, %12[13] : !entry
  %14 = llvm.insertvalue %run, %13[14] : !entry
  llvm.return %14 : !entry
}
