//===- Handles.h - tickets for objects --------------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A handle of the C API is a ticket: the number of a slot and how often that
// slot has been taken, in the shape of a pointer that nobody dereferences. So a
// handle that was destroyed, or was none, is found out instead of followed.
//
// A slot's state is one atomic word:
//
//   generation : 32 | open : 1 | uses : 31
//
//   create   open = 1, in a free slot
//   use      uses + 1 where open and of that generation
//   destroy  open = 0
//   free     when uses reach 0 and open is 0: generation + 1
//
// Nothing here locks: a child of a fork finds no lock that another thread held.
//
//===----------------------------------------------------------------------===//

#ifndef MOE_LIB_CAPI_HANDLES_H
#define MOE_LIB_CAPI_HANDLES_H

#include <cstdint>

namespace moe::capi {

enum class Kind : uint8_t {
  Compiler,
  Module,
  Function,
  Bound,
  Context,
  Buffer
};

/// A ticket for `object`, which `destroy` ends when the handle is destroyed and
/// nobody uses it any more. Null if there is no memory; `object` is then ended.
void *createTicket(Kind kind, void *object, void (*destroy)(void *object));

/// The object, which lives until endUse(ticket); null if the ticket is not an
/// open one of that kind.
void *beginUse(const void *ticket, Kind kind);
void endUse(const void *ticket);

/// Closes the ticket. False if it is not an open one of that kind.
bool destroyTicket(const void *ticket, Kind kind);

/// Open tickets.
uint64_t liveTickets();

} // namespace moe::capi

#endif // MOE_LIB_CAPI_HANDLES_H
