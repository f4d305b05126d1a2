//===- Header.cpp - declarations of compiled functions --------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For function NAME: the descriptor moert_entry_NAME, positions of its tensors
// as enumerators, and moe_NAME_prepare and moe_NAME_call, which take a pointer
// for each tensor and a number for each named dimension.
//
//===----------------------------------------------------------------------===//

#include "Header.h"
#include "Identifiers.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace llvm;

namespace moe::compile {

namespace {

/// How C calls an element, and moert.h its type. What C has no type for is
/// passed as its bits.
struct ElementType {
  const char *type, *constant;
};

ElementType elementType(uint8_t dtype) {
  switch (dtype) {
  case MOERT_F64:
    return {"double", "MOERT_F64"};
  case MOERT_F32:
    return {"float", "MOERT_F32"};
  case MOERT_F16:
    return {"uint16_t", "MOERT_F16"};
  case MOERT_BF16:
    return {"uint16_t", "MOERT_BF16"};
  case MOERT_I64:
    return {"int64_t", "MOERT_I64"};
  case MOERT_I32:
    return {"int32_t", "MOERT_I32"};
  case MOERT_I16:
    return {"int16_t", "MOERT_I16"};
  case MOERT_I8:
    return {"int8_t", "MOERT_I8"};
  case MOERT_U8:
    return {"uint8_t", "MOERT_U8"};
  case MOERT_I1:
    return {"uint8_t", "MOERT_I1"};
  default:
    return {"uint8_t", "MOERT_F8E8M0"};
  }
}

/// The declarations of one function.
class FunctionWriter {
public:
  FunctionWriter(const Function &function, StringMap<std::string> &names,
                 raw_ostream &os)
      : function(function), entry(function.entry()), names(names), os(os),
        prefix("moe_" + toIdentifier(function.name())) {}

  Error write() {
    if (!isSymbol(function.name()))
      return makeError("function '" + toComment(function.name()) +
                       "' has no name in C; rename it, or leave --header out");
    for (MoertRole role : {MOERT_WEIGHT, MOERT_INPUT, MOERT_OUTPUT})
      for (const MoertArg *arg : function.args(role))
        (role == MOERT_WEIGHT ? weights : tensors).push_back(arg);
    writeComment();
    if (Error error = declare("moert_entry_" + toIdentifier(function.name())))
      return error;
    os << "extern const MoertEntry " << descriptor();
    if (function.name() != toIdentifier(function.name()))
      os << "\n    __asm__(\"moert_entry_" << function.name() << "\")";
    os << ";\n\n";
    if (Error error = writePositions())
      return error;
    if (needsBlob())
      if (Error error = writePrepare())
        return error;
    return writeCall();
  }

private:
  std::string descriptor() const {
    return "moert_entry_" + toIdentifier(function.name());
  }
  bool needsBlob() const { return !weights.empty() || entry.packed_bytes; }

  /// Takes `name` for this function among all of the header.
  Error declare(const Twine &name) {
    auto [at, inserted] = names.try_emplace(name.str(), function.name().str());
    if (inserted)
      return Error::success();
    return makeError("'" + toComment(at->second) + "' and '" +
                     toComment(function.name()) + "' would both declare " +
                     name + " in the header; rename one of them");
  }

  void writeComment() {
    os << "/* " << toComment(function.name()) << '\n';
    size_t width = 0;
    for (const MoertArg &arg : ArrayRef(entry.args, entry.n_args))
      width = std::max(width, toComment(arg.name).size());
    for (MoertRole role : {MOERT_WEIGHT, MOERT_INPUT, MOERT_OUTPUT}) {
      StringRef title = role == MOERT_WEIGHT  ? "weights"
                        : role == MOERT_INPUT ? "inputs"
                                              : "results";
      for (const MoertArg *arg : function.args(role)) {
        os << " *   " << formatv("{0,-9}", title)
           << left_justify(toComment(arg->name), width) << "  "
           << toComment(describe(entry, *arg)) << '\n';
        title = "";
      }
    }
    if (needsBlob())
      os << " *   packed weights: " << moert_packed_bytes(&entry) << " bytes\n";
    os << " */\n";
  }

  /// Where a tensor stands in the array that moert_prepare or moert_call takes.
  Error writePositions() {
    auto list = [&](ArrayRef<const MoertArg *> args, StringRef count) -> Error {
      os << "enum {\n";
      Scope scope;
      for (auto [i, arg] : enumerate(args)) {
        StringRef kind = arg->role == MOERT_WEIGHT  ? "weight"
                         : arg->role == MOERT_INPUT ? "input"
                                                    : "result";
        std::string name = scope.add(prefix + "_" + kind.str() + "_" +
                                     toIdentifier(arg->name));
        if (Error error = declare(name))
          return error;
        os << "  " << name << " = " << i << ",\n";
      }
      os << "  " << prefix << '_' << count << " = " << args.size() << "\n};\n";
      return declare(prefix + "_" + count);
    };
    if (needsBlob()) {
      os << "/* positions for moert_prepare */\n";
      if (Error error = list(weights, "weights"))
        return error;
    }
    os << "/* positions for moert_call */\n";
    if (Error error = list(tensors, "tensors"))
      return error;
    os << '\n';
    return Error::success();
  }

  /// The size as an expression: a number, or the parameter of a dimension.
  std::string size(int32_t dim) const {
    return dim < 0 ? symbols[~dim] : std::to_string(entry.sizes[dim]);
  }

  /// "const float *x /* f32[T, 64] */" for each, on lines of their own.
  void writeParameters(ArrayRef<const MoertArg *> args,
                       ArrayRef<std::string> parameters) {
    for (auto [arg, parameter] : zip_equal(args, parameters)) {
      bool isResult = arg->role == MOERT_OUTPUT;
      os << ",\n    " << (isResult || isValue(*arg) ? "" : "const ")
         << elementType(arg->dtype).type << (isValue(*arg) ? " " : " *")
         << parameter << " /* " << toComment(describe(entry, *arg)) << " */";
    }
  }

  /// True for a parameter that is passed as a number.
  static bool isValue(const MoertArg &arg) {
    return arg.role == MOERT_INPUT && arg.rank == 0;
  }

  /// Arrays `shapes` and `tensors`; the name of the second, or NULL.
  StringRef writeTensors(ArrayRef<const MoertArg *> args,
                         ArrayRef<std::string> parameters) {
    if (args.empty())
      return "NULL";
    unsigned rank = 1;
    for (const MoertArg *arg : args)
      rank = std::max<unsigned>(rank, arg->rank);
    os << "  const int64_t shapes[" << args.size() << "][" << rank << "] = {\n";
    for (const MoertArg *arg : args) {
      os << "      {";
      interleaveComma(ArrayRef(arg->dims, arg->rank), os,
                      [&](int32_t dim) { os << size(dim); });
      os << (arg->rank ? "" : "0") << "},\n";
    }
    os << "  };\n  MoertTensor tensors[" << args.size() << "];\n";
    for (auto [i, arg] : enumerate(args))
      os << "  tensors[" << i << "] = moert_tensor("
         << (isValue(*arg) ? "&" : "") << parameters[i] << ", "
         << elementType(arg->dtype).constant << ", " << unsigned(arg->rank)
         << ", shapes[" << i << "]);\n";
    return "tensors";
  }

  Error writePrepare() {
    Scope scope;
    SmallVector<std::string> parameters;
    for (const MoertArg *arg : weights)
      parameters.push_back(scope.add(arg->name));
    os << "/* Packs the weights, which may be freed afterwards. `packed` is "
          "aligned to\n * MOERT_ALIGNMENT and has room for "
       << prefix << "_packed_bytes. */\n"
       << "#define " << prefix << "_packed_bytes " << moert_packed_bytes(&entry)
       << "ull\n"
       << "static inline MoertStatus " << prefix
       << "_prepare(\n    MoertContext *context";
    writeParameters(weights, parameters);
    os << ",\n    void *packed) {\n";
    StringRef array = writeTensors(weights, parameters);
    os << "  return moert_prepare(context, &" << descriptor() << ", " << array
       << ", " << weights.size() << ", packed);\n}\n\n";
    if (Error error = declare(prefix + "_packed_bytes"))
      return error;
    return declare(prefix + "_prepare");
  }

  Error writeCall() {
    Scope scope;
    for (const char *symbol : ArrayRef(entry.symbols, entry.n_symbols))
      symbols.push_back(scope.add(symbol));
    SmallVector<std::string> parameters;
    for (const MoertArg *arg : tensors)
      parameters.push_back(scope.add(arg->name));
    os << "/* Computes the results, which the caller owns and which overlap "
          "nothing else. */\n"
       << "static inline MoertStatus " << prefix
       << "_call(\n    MoertContext *context";
    if (needsBlob())
      os << ",\n    const void *packed";
    for (const std::string &symbol : symbols)
      os << ",\n    int64_t " << symbol;
    writeParameters(tensors, parameters);
    os << ") {\n";
    StringRef array = writeTensors(tensors, parameters);
    os << "  return moert_call(context, &" << descriptor() << ", " << array
       << ", " << tensors.size() << ", " << (needsBlob() ? "packed" : "NULL")
       << ", NULL, 0);\n}\n";
    return declare(prefix + "_call");
  }

  const Function &function;
  const MoertEntry &entry;
  StringMap<std::string> &names; ///< of the header, and whose they are
  raw_ostream &os;
  std::string prefix;
  SmallVector<const MoertArg *> weights, tensors;
  SmallVector<std::string> symbols;
};

} // namespace

Expected<std::string> headerText(const Options &options, StringRef cpu,
                                 ArrayRef<Function> functions) {
  std::string body;
  raw_string_ostream os(body);
  StringMap<std::string> names;
  for (const Function &function : functions) {
    os << '\n';
    if (Error error = FunctionWriter(function, names, os).write())
      return std::move(error);
  }

  // Two layers of one file name may meet in a program.
  StringRef stem = sys::path::stem(options.header);
  std::string guard = formatv("MOE_{0}_{1:X-}_H", toIdentifier(stem).c_str(),
                              xxh3_64bits(body));
  std::string text;
  raw_string_ostream out(text);
  out << "/* " << toComment(sys::path::filename(options.header)) << ": "
      << toComment(sys::path::filename(options.file))
      << ", compiled by moe-compile " << MOE_VERSION << " for target "
      << stringify(options.target) << ", CPU " << toComment(cpu)
      << ".\n * Link " << toComment(sys::path::filename(options.output))
      << " and the runtime library (libmoert). Do not edit. */\n"
      << "#ifndef " << guard << "\n#define " << guard << "\n\n"
      << "#include <moert/moert.h>\n\n"
      << "#if MOERT_ABI_VERSION != " << MOERT_ABI_VERSION << "\n"
      << "#error \"written for version " << MOERT_ABI_VERSION
      << " of moert.h: compile the layer again\"\n#endif\n\n"
      << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
      << body << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard
      << " */\n";
  return text;
}

} // namespace moe::compile
