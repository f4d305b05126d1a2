//===- Diagnostics.cpp - what MLIR reports, as errors ---------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diagnostics.h"

#include "Callbacks.h"

#include "mlir/IR/Location.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moe {

Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

std::string describe(mlir::Location location) {
  auto place = location->findInstanceOf<mlir::FileLineColLoc>();
  if (!place)
    return "";
  return (place.getFilename().getValue() + ":" + Twine(place.getLine()) + ":" +
          Twine(place.getColumn()))
      .str();
}

/// A copy that does not depend on the context.
static Diagnostic convert(mlir::Diagnostic &diagnostic) {
  Diagnostic result;
  switch (diagnostic.getSeverity()) {
  case mlir::DiagnosticSeverity::Note:
    result.severity = Diagnostic::Severity::Note;
    break;
  case mlir::DiagnosticSeverity::Remark:
    result.severity = Diagnostic::Severity::Remark;
    break;
  case mlir::DiagnosticSeverity::Warning:
    result.severity = Diagnostic::Severity::Warning;
    break;
  case mlir::DiagnosticSeverity::Error:
    result.severity = Diagnostic::Severity::Error;
    break;
  }
  result.location = describe(diagnostic.getLocation());
  result.message = diagnostic.str();
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    result.notes.push_back(convert(note));
  return result;
}

/// "LOCATION: MESSAGE" as one line, whatever the source has in its strings.
static std::string firstLine(const Diagnostic &diagnostic) {
  std::string text = diagnostic.location;
  if (!text.empty())
    text += ": ";
  text += StringRef(diagnostic.message).trim().split('\n').first;
  return text;
}

std::string toString(const Diagnostic &diagnostic) {
  static constexpr const char *names[] = {"note", "remark", "warning", "error"};
  std::string text = diagnostic.location;
  if (!text.empty())
    text += ": ";
  text += names[static_cast<int>(diagnostic.severity)];
  text += ": " + diagnostic.message;
  for (const Diagnostic &note : diagnostic.notes)
    text += "\n" + toString(note);
  return text;
}

DiagnosticCollector::DiagnosticCollector(mlir::MLIRContext *context,
                                         DiagnosticHandler forwardTo)
    : forward(std::move(forwardTo)),
      handler(context, [this](mlir::Diagnostic &diagnostic) {
        Diagnostic copy = convert(diagnostic);
        if (first.empty() && copy.severity == Diagnostic::Severity::Error)
          first = firstLine(copy);
        if (forward && thrown.empty())
          thrown = callHandler(forward, copy);
        return mlir::success();
      }) {}

Error DiagnosticCollector::checkHandler() const {
  if (thrown.empty())
    return Error::success();
  return makeError("the handler of diagnostics has thrown: " +
                   StringRef(thrown).split('\n').first);
}

Error DiagnosticCollector::error(StringRef name, const Twine &otherwise) const {
  if (Error error = checkHandler())
    return error;
  return makeError(first.empty() ? name + ": " + otherwise : Twine(first));
}

} // namespace moe
