//===- Support.cpp - errors of the C API ----------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include "llvm/Config/llvm-config.h"

using namespace llvm;

namespace moe::capi {

/// What moe_error_message returns.
static std::string &lastMessage() {
  static thread_local std::string message;
  return message;
}

MoeStatus fail(MoeStatus status, const Twine &message) {
  std::string text = message.str();
  // One line, whatever the source has in its strings.
  text.erase(std::min(text.find('\n'), text.size()));
  lastMessage() = std::move(text);
  return status;
}

MoeStatus fail(Error error, MoeStatus otherwise) {
  MoeStatus status = otherwise;
  std::string text;
  handleAllErrors(
      std::move(error),
      [&](const RuntimeError &e) {
        status = e.status();
        text = static_cast<const ErrorInfoBase &>(e).message();
      },
      [&](const ErrorInfoBase &e) {
        if (text.empty())
          text = e.message();
      });
  return fail(status, text);
}

MoeStatus failNull(const char *name) {
  return fail(MOERT_INVALID_ARGUMENT, Twine(name) + " is null");
}

} // namespace moe::capi

using namespace moe::capi;

uint32_t moe_api_version(void) { return MOE_API_VERSION; }

const char *moe_version(void) {
  return MOE_VERSION ", LLVM " LLVM_VERSION_STRING;
}

const char *moe_status_name(MoeStatus status) {
  switch (status) {
  case MOE_INVALID_HANDLE:
    return "invalid handle";
  case MOE_BUSY:
    return "the context is in use";
  case MOE_NOT_FOUND:
    return "not found";
  case MOE_COMPILE_ERROR:
    return "cannot be compiled";
  default:
    return moert_status_name(status);
  }
}

const char *moe_error_message(void) { return lastMessage().c_str(); }

uint64_t moe_live_handles(void) { return liveTickets(); }
