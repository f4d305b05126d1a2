//===- PrepareText.cpp - what F.prepare does, as text ---------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Descriptor.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace moe;

/// Numbers the functions that passes have made, in the order in which they are
/// named: the rest of the module has a say in their names.
static std::string renumber(StringRef text) {
  std::string result;
  llvm::StringMap<unsigned> numbers;
  for (size_t at = text.find("@moe."); at != StringRef::npos;
       at = text.find("@moe.")) {
    StringRef rest = text.substr(at + 1);
    StringRef name = rest.take_while([](char c) {
      return llvm::isAlnum(c) || StringRef("._$").contains(c);
    });
    unsigned number = numbers.try_emplace(name, numbers.size()).first->second;
    result += text.take_front(at);
    result += "@" + std::to_string(number);
    text = rest.drop_front(name.size());
  }
  return result + text.str();
}

std::string moe::textOfPrepare(func::FuncOp prepare) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto module = prepare->getParentOfType<ModuleOp>();
  SetVector<Operation *> functions;
  functions.insert(prepare);
  for (size_t i = 0; i < functions.size(); ++i) {
    functions[i]->print(os, OpPrintingFlags().useLocalScope());
    functions[i]->walk([&](Operation *op) {
      StringRef name;
      if (auto call = dyn_cast<func::CallOp>(op))
        name = call.getCallee();
      else if (auto address = dyn_cast<LLVM::AddressOfOp>(op))
        name = address.getGlobalName();
      else
        return;
      Operation *callee = module.lookupSymbol(name);
      if (callee && callee->getNumRegions() && !callee->getRegion(0).empty())
        functions.insert(callee);
    });
  }
  return renumber(text);
}
