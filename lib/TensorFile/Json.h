//===- Json.h - JSON that nobody vouches for ------------------ -*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A JSON text is taken apart level by level: forEachMember walks an object
// without building a tree, so neither deep nesting nor a long header can
// exhaust the stack or the memory, and names that occur twice are seen. Only
// the small values at the leaves go through llvm::json.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_TENSORFILE_JSON_H
#define MOE_LIB_TENSORFILE_JSON_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/JSON.h"

namespace moe::tensorfile {

/// Called with the name and the unparsed text of each member of an object.
using MemberVisitor =
    llvm::function_ref<llvm::Error(llvm::StringRef name, llvm::StringRef text)>;

/// Success if `text` is UTF-8 throughout. `where` starts the message.
llvm::Error checkUTF8(llvm::StringRef where, llvm::StringRef text);

/// Visits the members of the object that `text` must be; the first error, be it
/// the visitor's or about `text`, ends the walk. The visitor has to check the
/// text that it gets, by this function or a parse function.
llvm::Error forEachMember(llvm::StringRef where, llvm::StringRef text,
                          MemberVisitor visit);

/// The value of `text`, which forEachMember handed out.
llvm::Expected<llvm::json::Value> parseValue(llvm::StringRef where,
                                             llvm::StringRef text);

/// The string that `text` is.
llvm::Expected<std::string> parseString(llvm::StringRef where,
                                        llvm::StringRef text);

/// The integers from 0 to 2^63-1 that the array `text` holds.
llvm::Expected<llvm::SmallVector<int64_t, 4>> parseSizes(llvm::StringRef where,
                                                         llvm::StringRef text);

} // namespace moe::tensorfile

#endif // MOE_LIB_TENSORFILE_JSON_H
