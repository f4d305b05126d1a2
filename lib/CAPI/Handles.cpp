//===- Handles.cpp - tickets for objects ----------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Handles.h"

#include <atomic>
#include <new>

namespace moe::capi {

namespace {

struct Slot {
  std::atomic<uint64_t> state{0};
  std::atomic<uint32_t> nextFree{0}; // number of a slot + 1; 0 ends the list
  // Written before the slot opens, read while it is in use.
  Kind kind = Kind::Compiler;
  void *object = nullptr;
  void (*destroy)(void *) = nullptr;
};

constexpr uint64_t kOpen = 1ull << 31, kUses = kOpen - 1;
constexpr uint32_t kSlotsPerChunk = 1024, kChunks = 4096;
/// In the top of each ticket, where no address has it.
constexpr uint64_t kMark = 1ull << 63;

/// Chunks are made as they are needed, and never freed: a slot can be looked at
/// at any time.
std::atomic<Slot *> chunks[kChunks];
std::atomic<uint32_t> slotsMade{0};
/// changes : 32 | number of the first free slot + 1 : 32
std::atomic<uint64_t> firstFree{0};
std::atomic<uint64_t> live{0};

uint32_t generationOf(uint64_t state) { return state >> 32; }

void *makeTicket(uint32_t number, uint32_t generation) {
  return reinterpret_cast<void *>(kMark | uint64_t(generation) << 32 |
                                  (number + 1));
}

/// The slot of that number; null if none was made.
Slot *slotAt(uint32_t number) {
  if (number >= kSlotsPerChunk * kChunks)
    return nullptr;
  Slot *chunk = chunks[number / kSlotsPerChunk].load(std::memory_order_acquire);
  return chunk ? chunk + number % kSlotsPerChunk : nullptr;
}

/// What a ticket says.
struct Ticket {
  uint32_t number, generation;
  Slot *slot; // null if the ticket cannot be one

  explicit Ticket(const void *ticket) {
    uint64_t bits = reinterpret_cast<uint64_t>(ticket);
    number = uint32_t(bits) - 1;
    generation = uint32_t((bits & ~kMark) >> 32);
    slot = bits & kMark ? slotAt(number) : nullptr;
  }
  bool fits(uint64_t state) const {
    return (state & kOpen) && generationOf(state) == generation;
  }
};

/// Takes a slot from the free list, or a new one; null if there is no memory.
Slot *takeSlot(uint32_t &number) {
  uint64_t head = firstFree.load(std::memory_order_acquire);
  while (uint32_t first = uint32_t(head)) {
    Slot *slot = slotAt(first - 1);
    uint64_t next = ((head >> 32) + 1) << 32 |
                    slot->nextFree.load(std::memory_order_relaxed);
    if (firstFree.compare_exchange_weak(head, next,
                                        std::memory_order_acquire)) {
      number = first - 1;
      return slot;
    }
  }
  number = slotsMade.load(std::memory_order_relaxed);
  do {
    if (number >= kSlotsPerChunk * kChunks)
      return nullptr;
  } while (!slotsMade.compare_exchange_weak(number, number + 1,
                                            std::memory_order_relaxed));
  std::atomic<Slot *> &chunk = chunks[number / kSlotsPerChunk];
  if (!chunk.load(std::memory_order_acquire)) {
    Slot *made = new (std::nothrow) Slot[kSlotsPerChunk], *nobody = nullptr;
    if (!made)
      return nullptr; // the number is lost, and no more than that
    if (!chunk.compare_exchange_strong(nobody, made, std::memory_order_acq_rel))
      delete[] made;
  }
  return slotAt(number);
}

void freeSlot(Slot &slot, uint32_t number) {
  uint64_t head = firstFree.load(std::memory_order_relaxed), next;
  do {
    slot.nextFree.store(uint32_t(head), std::memory_order_relaxed);
    next = ((head >> 32) + 1) << 32 | (number + 1);
  } while (!firstFree.compare_exchange_weak(
      head, next, std::memory_order_release, std::memory_order_relaxed));
}

/// Ends the object of a slot that is closed and unused.
void retire(const Ticket &ticket) {
  Slot &slot = *ticket.slot;
  slot.destroy(slot.object);
  // One bit less than the state has: the mark stands in its place.
  uint64_t generation = (ticket.generation + 1) & 0x7fffffff;
  slot.state.store(generation << 32, std::memory_order_release);
  freeSlot(slot, ticket.number);
}

} // namespace

void *createTicket(Kind kind, void *object, void (*destroy)(void *object)) {
  uint32_t number;
  Slot *slot = takeSlot(number);
  if (!slot) {
    destroy(object);
    return nullptr;
  }
  slot->kind = kind;
  slot->object = object;
  slot->destroy = destroy;
  uint64_t state = slot->state.load(std::memory_order_relaxed) | kOpen;
  slot->state.store(state, std::memory_order_release);
  live.fetch_add(1, std::memory_order_relaxed);
  return makeTicket(number, generationOf(state));
}

void *beginUse(const void *handle, Kind kind) {
  Ticket ticket(handle);
  if (!ticket.slot)
    return nullptr;
  uint64_t state = ticket.slot->state.load(std::memory_order_acquire);
  do {
    if (!ticket.fits(state) || (state & kUses) == kUses)
      return nullptr;
  } while (!ticket.slot->state.compare_exchange_weak(
      state, state + 1, std::memory_order_acq_rel, std::memory_order_acquire));
  if (ticket.slot->kind == kind)
    return ticket.slot->object;
  endUse(handle);
  return nullptr;
}

void endUse(const void *handle) {
  Ticket ticket(handle);
  uint64_t state =
      ticket.slot->state.fetch_sub(1, std::memory_order_acq_rel) - 1;
  if (!(state & (kOpen | kUses)))
    retire(ticket);
}

bool destroyTicket(const void *handle, Kind kind) {
  if (!beginUse(handle, kind))
    return false;
  // In use, the slot keeps its generation: of several who destroy it, the one
  // that finds it open has done it.
  uint64_t before =
      Ticket(handle).slot->state.fetch_and(~kOpen, std::memory_order_acq_rel);
  endUse(handle);
  if (!(before & kOpen))
    return false;
  live.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

uint64_t liveTickets() { return live.load(std::memory_order_relaxed); }

} // namespace moe::capi
