//===- Errors.cpp - statuses as Python exceptions -------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Errors.h"

namespace nb = nanobind;
using namespace moe::python;

namespace {

thread_local DiagnosticScope *innermost = nullptr;

Diagnostic copy(const MoeDiagnostic &from) {
  Diagnostic to{from.severity,
                from.location ? from.location : "",
                from.message ? from.message : "",
                {}};
  for (uint32_t i = 0; i < from.n_notes; ++i)
    to.notes.push_back(copy(from.notes[i]));
  return to;
}

/// Text of a source may be anything; what is not UTF-8 is replaced.
nb::object toText(const std::string &text) {
  return nb::steal(
      PyUnicode_DecodeUTF8(text.data(), Py_ssize_t(text.size()), "replace"));
}

nb::list toList(const std::vector<Diagnostic> &diagnostics) {
  nb::list list;
  for (const Diagnostic &d : diagnostics)
    list.append(nb::make_tuple(d.severity, toText(d.location),
                               toText(d.message), toList(d.notes)));
  return list;
}

/// Raises moe._errors.CLASS(arguments...).
template <typename... Arguments>
[[noreturn]] void raise(const char *name, Arguments &&...arguments) {
  nb::object type = nb::module_::import_("moe._errors").attr(name);
  nb::object error = type(std::forward<Arguments>(arguments)...);
  PyErr_SetObject(type.ptr(), error.ptr());
  throw nb::python_error();
}

} // namespace

DiagnosticScope::DiagnosticScope() : outer(innermost) { innermost = this; }
DiagnosticScope::~DiagnosticScope() { innermost = outer; }

void DiagnosticScope::receive(void *, const MoeDiagnostic *diagnostic) {
  if (innermost)
    innermost->diagnostics.push_back(copy(*diagnostic));
}

nb::list DiagnosticScope::toPython() const { return toList(diagnostics); }

void moe::python::raiseType(const std::string &message) {
  raise("InvalidType", toText(message));
}

void moe::python::raiseValue(const std::string &message) {
  raise("InvalidArgument", toText(message));
}

void moe::python::raiseStatus(MoeStatus status, nb::handle diagnostics) {
  std::string text = moe_error_message();
  if (text.empty())
    text = moe_status_name(status);
  nb::object message = toText(text);
  switch (status) {
  case MOE_COMPILE_ERROR:
    raise("CompileError", message,
          diagnostics.is_valid() ? nb::borrow(diagnostics) : nb::list());
  case MOERT_INVALID_ARGUMENT:
    raise("InvalidArgument", message);
  default:
    raise("RunError", message, int(status), moe_status_name(status));
  }
}
