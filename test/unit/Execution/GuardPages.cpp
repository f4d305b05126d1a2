//===- GuardPages.cpp - buffers that nobody may leave ---------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GuardPages.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

using namespace llvm;

namespace moe::test {

/// What lies beside a buffer. As floats, a NaN.
static constexpr char kPattern = '\xff';

static size_t pageSize() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

/// Changes the access to `bytes` bytes of whole pages, or ends the program: a
/// test without its guards proves nothing.
static void protect(char *data, size_t bytes, int access) {
  if (bytes && mprotect(data, bytes, access)) {
    std::perror("mprotect");
    std::abort();
  }
}

GuardedBuffer::GuardedBuffer(size_t bytes, size_t alignment, Edge edge)
    : bytes(bytes) {
  size_t page = pageSize(), usable = alignTo(bytes, page);
  mapped = usable + 2 * page;
  void *memory =
      mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::abort();
  }
  mapping = static_cast<char *>(memory);
  protect(mapping + page, usable, PROT_READ | PROT_WRITE);
  std::memset(mapping + page, kPattern, usable);
  begin = mapping + page;
  if (edge == Edge::Back)
    begin += alignDown(usable - bytes, alignment);
}

GuardedBuffer::GuardedBuffer(GuardedBuffer &&other)
    : mapping(std::exchange(other.mapping, nullptr)), mapped(other.mapped),
      begin(other.begin), bytes(other.bytes) {}

GuardedBuffer::~GuardedBuffer() {
  if (mapping)
    munmap(mapping, mapped);
}

void GuardedBuffer::makeReadOnly() {
  protect(mapping + pageSize(), mapped - 2 * pageSize(), PROT_READ);
}

void GuardedBuffer::makeInaccessible() {
  protect(mapping + pageSize(), mapped - 2 * pageSize(), PROT_NONE);
}

bool GuardedBuffer::isIntact() const {
  auto isPattern = [](char byte) { return byte == kPattern; };
  char *first = mapping + pageSize(), *last = mapping + mapped - pageSize();
  return std::all_of(first, begin, isPattern) &&
         std::all_of(begin + bytes, last, isPattern);
}

namespace {

/// The buffers of one call.
class Call {
public:
  Call(const MoertEntry &entry, ArrayRef<TensorView> arguments, Edge edge,
       MoertContext *context)
      : entry(entry), arguments(arguments), edge(edge), context(context) {}

  /// "" or what went wrong.
  std::string run();
  std::vector<TensorView> results;

private:
  MoertTensor guard(const TensorView &view);
  bool fails(MoertStatus status, std::string &problem) const;

  const MoertEntry &entry;
  ArrayRef<TensorView> arguments;
  Edge edge;
  MoertContext *context;
  std::vector<GuardedBuffer> buffers;
};

} // namespace

/// A guarded copy of `view`, which keeps its shape alive.
MoertTensor Call::guard(const TensorView &view) {
  MoertTensor tensor = asTensor(view);
  size_t bytes = view.bytes();
  buffers.emplace_back(bytes, moert_dtype_bytes(view.dtype), edge);
  if (bytes && view.data)
    std::memcpy(buffers.back().data(), view.data, bytes);
  tensor.data = buffers.back().data();
  return tensor;
}

bool Call::fails(MoertStatus status, std::string &problem) const {
  if (status != MOERT_OK)
    problem =
        std::string(moert_status_name(status)) + ": " + moert_message(context);
  return status != MOERT_OK;
}

std::string Call::run() {
  std::string problem;
  ArrayRef<MoertArg> args(entry.args, entry.n_args);
  SmallVector<MoertTensor> weights, tensors;
  for (auto [arg, view] : zip(args, arguments))
    if (arg.role == MOERT_WEIGHT)
      weights.push_back(guard(view));

  buffers.emplace_back(moert_packed_bytes(&entry), MOERT_ALIGNMENT, edge);
  char *packed = buffers.back().data();
  if (fails(moert_prepare(context, &entry, weights.data(), weights.size(),
                          packed),
            problem))
    return problem;
  for (GuardedBuffer &buffer : MutableArrayRef(buffers).drop_back())
    buffer.makeInaccessible();
  buffers.back().makeReadOnly();
  size_t watched = weights.size(); // buffers behind those may be looked at

  for (auto [arg, view] : zip(args, arguments))
    if (arg.role == MOERT_INPUT) {
      tensors.push_back(guard(view));
      buffers.back().makeReadOnly();
    }

  // The shapes of the results follow from the named dimensions of the inputs.
  SmallVector<int64_t> symbols(entry.n_symbols, 0);
  for (auto [arg, view] : zip(args, arguments))
    for (auto [dim, size] : zip(ArrayRef(arg.dims, arg.rank), view.shape))
      if (dim < 0)
        symbols[~dim] = size;
  results.reserve(args.size());
  for (const MoertArg &arg : args.drop_front(arguments.size())) {
    TensorView view;
    view.dtype = static_cast<MoertDType>(arg.dtype);
    for (int32_t dim : ArrayRef(arg.dims, arg.rank))
      view.shape.push_back(dim < 0 ? symbols[~dim] : entry.sizes[dim]);
    results.push_back(std::move(view));
    tensors.push_back(guard(results.back()));
  }

  uint64_t workspaceBytes = 0;
  if (fails(moert_workspace_bytes(context, &entry, symbols.data(),
                                  &workspaceBytes),
            problem))
    return problem;
  buffers.emplace_back(workspaceBytes, MOERT_ALIGNMENT, edge);
  if (fails(moert_call(context, &entry, tensors.data(), tensors.size(), packed,
                       buffers.back().data(), workspaceBytes),
            problem))
    return problem;

  for (const GuardedBuffer &buffer : ArrayRef(buffers).drop_front(watched))
    if (!buffer.isIntact())
      return "a buffer of " + std::to_string(buffer.size()) +
             " bytes was overrun";
  for (auto [view, tensor] :
       zip(results, ArrayRef(tensors).take_back(results.size()))) {
    Expected<TensorView> copy = allocateTensor(view.dtype, view.shape);
    if (!copy)
      return toString(copy.takeError());
    if (size_t bytes = copy->bytes())
      std::memcpy(const_cast<char *>(copy->data), tensor.data, bytes);
    view = std::move(*copy);
  }
  return "";
}

Expected<std::vector<TensorView>> callGuarded(const MoertEntry &entry,
                                              ArrayRef<TensorView> arguments,
                                              Edge edge) {
  Expected<Context> context = Context::create();
  if (!context)
    return context.takeError();
  Call call(entry, arguments, edge, context->get());
  if (std::string problem = call.run(); !problem.empty())
    return createStringError(inconvertibleErrorCode(), problem);
  return std::move(call.results);
}

} // namespace moe::test
