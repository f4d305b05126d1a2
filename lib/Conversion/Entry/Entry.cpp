//===- Entry.cpp - the runtime's calling convention, on memrefs -----------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// F(context, symbols..., inputs..., outputs..., packed values...)
// F.prepare(context, weights..., packed values...)

#include "moe/Conversion/Passes.h"
#include "moe/Conversion/Signature.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Utils/TensorBuilder.h"
#include "moe/Dialect/MoEK/IR/MoEK.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace moe {
#define GEN_PASS_DEF_MOEENTRY
#include "moe/Conversion/Passes.h.inc"
} // namespace moe

using namespace mlir;
using namespace moe;

namespace {

/// Rewrites one function in place.
class EntryRewriter {
public:
  explicit EntryRewriter(func::FuncOp function)
      : function(function), body(function.getBody().front()),
        b(OpBuilder::atBlockBegin(&body)) {}

  /// F itself.
  void runEntry(const EntrySignature &signature) {
    unsigned oldArguments = body.getNumArguments();
    addContext();
    SmallVector<Value> symbols;
    for ([[maybe_unused]] const std::string &symbol : signature.symbols)
      symbols.push_back(add(b.getIndexType()));
    auto inputs = signature.withRole(MOERT_INPUT);
    for (unsigned i = 0; i < inputs.size(); ++i)
      replaceInput(body.getArgument(i), add(signature.memrefType(inputs[i])),
                   inputs[i].dims, symbols);
    SmallVector<Value> outputs;
    for (const EntryArgument &output : signature.withRole(MOERT_OUTPUT))
      outputs.push_back(add(signature.memrefType(output)));
    for (unsigned i = inputs.size(); i < oldArguments; ++i)
      replacePacked(body.getArgument(i));
    requireResultSizes(signature.withRole(MOERT_OUTPUT), symbols);
    writeResults(outputs);
    finish(oldArguments);
  }

  /// F.prepare, whose weights are those of the signature of F.
  void runPrepare(const EntrySignature &signature) {
    unsigned oldArguments = body.getNumArguments();
    addContext();
    auto weights = signature.withRole(MOERT_WEIGHT);
    for (unsigned i = 0; i < oldArguments; ++i) {
      Value buffer = add(signature.memrefType(weights[i]));
      Value weight = body.getArgument(i);
      weight.replaceAllUsesWith(asTensor(weight.getType(), buffer));
    }
    SmallVector<Value> outputs;
    for (Type type : function.getResultTypes())
      outputs.push_back(add(memrefOf(type)));
    writeResults(outputs);
    finish(oldArguments);
  }

private:
  static MemRefType memrefOf(Type type) {
    auto tensor = cast<RankedTensorType>(type);
    return MemRefType::get(tensor.getShape(), tensor.getElementType());
  }

  /// A new trailing argument.
  BlockArgument add(Type type) {
    return body.addArgument(type, function.getLoc());
  }

  void addContext() { add(LLVM::LLVMPointerType::get(b.getContext())); }

  /// The tensor that a read-only buffer holds, if need be as nibbles.
  Value asTensor(Type type, Value buffer) {
    auto memref = cast<MemRefType>(buffer.getType());
    Value tensor = bufferization::ToTensorOp::create(
        b, function.getLoc(),
        RankedTensorType::get(memref.getShape(), memref.getElementType()),
        buffer, /*restrict=*/true);
    return tensor.getType() == type
               ? tensor
               : unpackNibbles(cast<RankedTensorType>(type), tensor);
  }

  /// Element j along the last dimension is a half of byte j / 2, the low one if
  /// j is even.
  Value unpackNibbles(RankedTensorType type, Value bytes) {
    TensorBuilder builder(function.getLoc(), b);
    unsigned last = type.getRank() - 1;
    AffineMap full = b.getMultiDimIdentityMap(type.getRank());
    SmallVector<AffineExpr> byte(full.getResults());
    byte[last] = byte[last].floorDiv(2);
    TensorBuilder::Sizes sizes = builder.sizes(bytes);
    sizes[last] = b.getIndexAttr(type.getDimSize(last));
    return builder.generic(
        bytes, {AffineMap::get(type.getRank(), 0, byte, b.getContext()), full},
        builder.empty(sizes, type.getElementType()),
        [&](ValueRange args) -> Value {
          Value position = linalg::IndexOp::create(builder, last);
          Value parity = arith::AndIOp::create(builder, position,
                                               builder.indexConstant(1));
          Value shift =
              arith::ShLIOp::create(builder, parity, builder.indexConstant(2));
          Value half = arith::ShRUIOp::create(
              builder, args[0],
              arith::IndexCastOp::create(builder, builder.getI8Type(), shift)
                  .getResult());
          Value bits =
              arith::TruncIOp::create(builder, builder.getIntegerType(4), half);
          return type.getElementType().isInteger()
                     ? bits
                     : arith::BitcastOp::create(builder, type.getElementType(),
                                                bits);
        });
  }

  /// Uses of an input become uses of its buffer; its sizes become symbols.
  void replaceInput(BlockArgument input, Value buffer, ArrayRef<int64_t> dims,
                    ArrayRef<Value> symbols) {
    if (!isa<RankedTensorType>(input.getType())) {
      input.replaceAllUsesWith(
          memref::LoadOp::create(b, function.getLoc(), buffer, ValueRange())
              .getResult());
      return;
    }
    for (Operation *user : llvm::make_early_inc_range(input.getUsers())) {
      auto dim = dyn_cast<tensor::DimOp>(user);
      std::optional<int64_t> constant =
          dim ? dim.getConstantIndex() : std::nullopt;
      if (!constant || *constant < 0 || *constant >= (int64_t)dims.size() ||
          dims[*constant] >= 0)
        continue;
      dim.replaceAllUsesWith(symbols[~dims[*constant]]);
      dim.erase();
    }
    input.replaceAllUsesWith(asTensor(input.getType(), buffer));
  }

  void replacePacked(BlockArgument value) {
    value.replaceAllUsesWith(
        asTensor(value.getType(), add(memrefOf(value.getType()))));
  }

  /// A result's named dimensions are as large as what the host has room for.
  void requireResultSizes(ArrayRef<EntryArgument> outputs,
                          ArrayRef<Value> symbols) {
    auto terminator = cast<func::ReturnOp>(body.getTerminator());
    b.setInsertionPoint(terminator);
    Location loc = terminator.getLoc();
    for (auto [value, output] :
         llvm::zip_equal(terminator.getOperands(), outputs))
      for (auto [dim, size] : llvm::enumerate(output.dims))
        if (size < 0)
          moek::RequireOp::create(
              b, loc, tensor::DimOp::create(b, loc, value, dim),
              moek::Relation::eq, symbols[~size],
              ("dimension " + Twine(dim) + " of " + output.name).str());
  }

  /// Writes what the function returned into `outputs`. First into them as
  /// tensors, so that bufferization sees which of them holds what until when (a
  /// result may be computed in the buffer of another one); what it had to put
  /// elsewhere is then copied, the rest is in place.
  void writeResults(ArrayRef<Value> outputs) {
    auto terminator = cast<func::ReturnOp>(body.getTerminator());
    Location loc = terminator.getLoc();
    SmallVector<Value> values(terminator.getOperands());
    for (auto [value, output] : llvm::zip_equal(values, outputs)) {
      if (!isa<RankedTensorType>(value.getType()))
        continue;
      b.setInsertionPointToStart(&body);
      Value destination = bufferization::ToTensorOp::create(
          b, loc, value.getType(), output, /*restrict=*/true,
          /*writable=*/true);
      b.setInsertionPoint(terminator);
      value = bufferization::MaterializeInDestinationOp::create(
                  b, loc, value.getType(), value, destination)
                  .getResult();
    }
    b.setInsertionPoint(terminator);
    for (auto [value, output] : llvm::zip_equal(values, outputs)) {
      if (isa<RankedTensorType>(value.getType()))
        bufferization::MaterializeInDestinationOp::create(
            b, loc, /*result=*/Type(), value, output, /*restrict=*/true,
            /*writable=*/true);
      else
        memref::StoreOp::create(b, loc, value, output, ValueRange());
    }
    func::ReturnOp::create(b, loc);
    terminator.erase();
  }

  /// Drops the old arguments and sets the new type.
  void finish(unsigned oldArguments) {
    body.eraseArguments(0, oldArguments);
    function.setType(b.getFunctionType(body.getArgumentTypes(), {}));
    function.removeArgAttrsAttr();
    function.removeResAttrsAttr();
  }

  func::FuncOp function;
  Block &body;
  OpBuilder b;
};

struct EntryPass : moe::impl::MoEEntryBase<EntryPass> {
  void runOnOperation() override {
    for (func::FuncOp entry : getEntries(getOperation())) {
      FailureOr<EntrySignature> signature = EntrySignature::read(entry);
      if (failed(signature))
        return signalPassFailure();
      auto prepare = getOperation().lookupSymbol<func::FuncOp>(
          (entry.getName() + kPrepareSuffix).str());
      if (!prepare || !isSplit(entry, prepare, *signature)) {
        entry.emitError("is not in the form that moe-split-prepare leaves; run "
                        "it first");
        return signalPassFailure();
      }
      EntryRewriter(entry).runEntry(*signature);
      EntryRewriter(prepare).runPrepare(*signature);
    }
  }

  /// True if these are F(inputs..., packed...) -> results and
  /// F.prepare(weights...) -> packed.
  static bool isSplit(func::FuncOp entry, func::FuncOp prepare,
                      const EntrySignature &signature) {
    ArrayRef<Type> arguments = entry.getArgumentTypes(),
                   packed = prepare.getResultTypes();
    size_t inputs =
        arguments.size() - std::min(arguments.size(), packed.size());
    return entry.getBody().hasOneBlock() && prepare.getBody().hasOneBlock() &&
           matches(arguments.take_front(inputs), signature, MOERT_INPUT) &&
           arguments.drop_front(inputs) == packed &&
           llvm::all_of(packed, llvm::IsaPred<RankedTensorType>) &&
           matches(prepare.getArgumentTypes(), signature, MOERT_WEIGHT) &&
           matches(entry.getResultTypes(), signature, MOERT_OUTPUT);
  }

  /// True if `types` are those of the arguments of a role.
  static bool matches(ArrayRef<Type> types, const EntrySignature &signature,
                      MoertRole role) {
    SmallVector<EntryArgument> arguments = signature.withRole(role);
    return types.size() == arguments.size() &&
           llvm::all_of(llvm::zip(types, arguments), [&](auto pair) {
             auto [type, argument] = pair;
             auto tensor = dyn_cast<RankedTensorType>(type);
             auto sizesAgree = [](int64_t size, int64_t dim) {
               return size == (dim < 0 ? ShapedType::kDynamic : dim);
             };
             return getElementTypeOrSelf(type) == argument.element &&
                    llvm::equal(tensor ? tensor.getShape()
                                       : ArrayRef<int64_t>(),
                                argument.dims, sizesAgree);
           });
  }
};

} // namespace
