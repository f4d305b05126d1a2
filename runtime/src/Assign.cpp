//===- Assign.cpp - balanced assignment of rows to experts ----------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The exact method inserts one row after the other, each along a shortest path
// in a graph of the experts: the edge e -> f costs what it takes to move the
// cheapest member of e to f, the path ends at an expert with room. There are
// few experts and many rows, so that this graph is small. Prices keep the edges
// non-negative (as in the Hungarian method), hence Dijkstra's search, whose
// tree has no cycle even when rounding makes an edge negative by a last bit.
//
//===----------------------------------------------------------------------===//

#include "Context.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace {

/// Memory for `count` objects of a trivial type; null if there is none.
template <typename T> class Array {
public:
  explicit Array(uint64_t count)
      : data(count > PTRDIFF_MAX / sizeof(T)
                 ? nullptr
                 : static_cast<T *>(
                       malloc(std::max<uint64_t>(count, 1) * sizeof(T)))) {}
  Array(const Array &) = delete;
  Array &operator=(const Array &) = delete;
  ~Array() { free(data); }

  explicit operator bool() const { return data; }
  T &operator[](int64_t i) { return data[i]; }
  T *begin() { return data; }

private:
  T *data;
};

//===----------------------------------------------------------------------===//
// Greedy
//===----------------------------------------------------------------------===//

/// Returns a key that ascends as `score` descends; NaN comes last.
uint64_t descendingKey(double score) {
  if (std::isnan(score))
    return UINT64_MAX;
  score += 0.0; // -0 ties with +0
  uint64_t bits;
  memcpy(&bits, &score, sizeof bits);
  // Negative numbers: their bits ascend with their magnitude already.
  return bits >> 63 ? bits : ~bits & ~(1ull << 63);
}

/// Fills `member` as moert_assign says. Returns false if there is no memory.
template <typename Float>
bool assignGreedily(const Float *scores, const int32_t *capacity,
                    int32_t *member, int64_t n, int64_t experts) {
  struct Entry {
    uint64_t key;
    int64_t flat;
  };
  int64_t count = n * experts;
  Array<Entry> entries(count);
  Array<int32_t> room(experts);
  if (!entries || !room)
    return false;
  for (int64_t i = 0; i < count; ++i)
    entries[i] = {descendingKey(scores[i]), i};
  std::sort(entries.begin(), entries.begin() + count,
            [](const Entry &a, const Entry &b) {
              return a.key != b.key ? a.key < b.key : a.flat < b.flat;
            });
  std::copy_n(capacity, experts, room.begin());
  std::fill_n(member, n, -1);
  for (int64_t i = 0, left = n; left; ++i) {
    int64_t row = entries[i].flat / experts, expert = entries[i].flat % experts;
    if (member[row] >= 0 || !room[expert])
      continue;
    member[row] = int32_t(expert);
    --room[expert];
    --left;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Exact
//===----------------------------------------------------------------------===//

/// What a choice costs. NaN, -inf and +inf are counted apart from the finite
/// sum and weigh more than any of it.
struct Cost {
  int64_t rank;
  double sum;

  Cost operator+(const Cost &other) const {
    return {rank + other.rank, sum + other.sum};
  }
  Cost operator-(const Cost &other) const {
    return {rank - other.rank, sum - other.sum};
  }
  bool operator<(const Cost &other) const {
    return rank != other.rank ? rank < other.rank : sum < other.sum;
  }
};

/// Finds the assignment of greatest total score.
template <typename Float> class ExactAssignment {
public:
  ExactAssignment(const Float *scores, const int32_t *capacity, int32_t *member,
                  int64_t n, int64_t experts)
      : scores(scores), capacity(capacity), member(member), n(n),
        experts(experts), members(n), place(n), first(experts), size(experts),
        mover(experts * experts), move(experts * experts), price(experts),
        distance(experts), parent(experts), settled(experts) {}

  /// Returns false if there is no memory.
  bool run() {
    if (!members || !place || !first || !size || !mover || !move || !price ||
        !distance || !parent || !settled)
      return false;
    prepare();
    for (int64_t row = 0; row < n; ++row)
      insert(row);
    return true;
  }

private:
  /// Returns what it costs to give `row` to `expert`.
  Cost cost(int64_t row, int64_t expert) const {
    double score = scores[row * experts + expert];
    if (std::isnan(score))
      return {nanRank, 0};
    if (std::isinf(score))
      return {score > 0 ? -1 : infRank, 0};
    return {0, -score * scale};
  }

  void prepare() {
    // A path has at most `experts` edges, of two costs each, and two ends: no
    // number of lesser ranks on it, or on the difference of two, makes up a
    // greater one.
    infRank = 8 * (experts + 2);
    nanRank = infRank * infRank;
    double greatest = 0;
    for (int64_t i = 0; i < n * experts; ++i)
      if (std::isfinite(scores[i]))
        greatest = std::max(greatest, std::fabs(double(scores[i])));
    scale = greatest > 0x1p900 ? 0x1p-100 : 1; // sums must not overflow
    int64_t begin = 0;
    for (int64_t e = 0; e < experts; ++e) {
      first[e] = begin;
      begin += capacity[e];
      size[e] = 0;
      price[e] = {0, 0};
    }
    std::fill_n(mover.begin(), experts * experts, -1);
  }

  /// Finds the shortest path for `row` and moves members along it.
  void insert(int64_t row) {
    for (int64_t e = 0; e < experts; ++e) {
      distance[e] = cost(row, e) - price[e];
      parent[e] = -1;
      settled[e] = false;
    }
    int64_t end;
    for (;;) {
      end = -1;
      for (int64_t e = 0; e < experts; ++e)
        if (!settled[e] && capacity[e] &&
            (end < 0 || distance[e] < distance[end]))
          end = e;
      if (size[end] < capacity[end])
        break;
      settled[end] = true;
      for (int64_t f = 0; f < experts; ++f) {
        if (settled[f] || !capacity[f])
          continue;
        Cost through =
            distance[end] + move[end * experts + f] + (price[end] - price[f]);
        if (through < distance[f]) {
          distance[f] = through;
          parent[f] = int32_t(end);
        }
      }
    }
    for (int64_t e = 0; e < experts; ++e)
      if (settled[e])
        price[e] = price[e] + (distance[e] - distance[end]);

    // From the end backwards, so that each expert has room when a row arrives.
    while (parent[end] >= 0) {
      int64_t from = parent[end];
      int64_t moved = mover[from * experts + end];
      remove(moved, from);
      add(moved, end);
      end = from;
    }
    add(row, end);
  }

  /// Returns true if moving `row` is better than moving `other`, which may be
  /// none; of equals the lower row goes.
  static bool better(const Cost &a, int64_t row, const Cost &b, int64_t other) {
    return other < 0 || a < b || (!(b < a) && row < other);
  }

  /// Considers `row`, a member of `e`, for each edge e -> f.
  void offer(int64_t row, int64_t e, int64_t f) {
    Cost candidate = cost(row, f) - cost(row, e);
    int64_t edge = e * experts + f;
    if (better(candidate, row, move[edge], mover[edge])) {
      move[edge] = candidate;
      mover[edge] = int32_t(row);
    }
  }

  void add(int64_t row, int64_t e) {
    place[row] = int32_t(size[e]);
    members[first[e] + size[e]++] = int32_t(row);
    member[row] = int32_t(e);
    for (int64_t f = 0; f < experts; ++f)
      if (f != e)
        offer(row, e, f);
  }

  void remove(int64_t row, int64_t e) {
    int32_t last = members[first[e] + --size[e]];
    members[first[e] + place[row]] = last;
    place[last] = place[row];
    for (int64_t f = 0; f < experts; ++f) {
      int64_t edge = e * experts + f;
      if (mover[edge] != row)
        continue;
      mover[edge] = -1;
      for (int32_t i = 0; i < size[e]; ++i)
        offer(members[first[e] + i], e, f);
    }
  }

  const Float *scores;
  const int32_t *capacity;
  int32_t *member;
  int64_t n, experts;
  int64_t infRank = 0, nanRank = 0;
  double scale = 1;
  // The members of expert e are members[first[e]] and on, size[e] of them;
  // place[row] is where in them a row stands.
  Array<int32_t> members, place;
  Array<int64_t> first;
  Array<int32_t> size;
  // Edge e -> f: the member of e that moves, or -1, and its cost.
  Array<int32_t> mover;
  Array<Cost> move;
  Array<Cost> price, distance;
  Array<int32_t> parent; // in the search's tree; -1 at its roots
  Array<bool> settled;
};

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

/// Returns true if the operands are legal; records what is wrong otherwise.
bool checkOperands(MoertContext *context, const int32_t *capacity, int64_t n,
                   int64_t experts) {
  auto fail = [&](MoertStatus status, const char *what, int64_t got,
                  const char *relation, int64_t expected) {
    if (context)
      context->fail(status, "assign: %s: expected %s %lld, got %lld", what,
                    relation, (long long)expected, (long long)got);
    return false;
  };
  if (n < 0)
    return fail(MOERT_INVALID_ARGUMENT, "rows", n, "at least", 0);
  if (experts < 0)
    return fail(MOERT_INVALID_ARGUMENT, "experts", experts, "at least", 0);
  constexpr int64_t kMaxExperts = 1 << 16; // squared in memory, cubed in ranks
  if (experts > kMaxExperts)
    return fail(MOERT_TOO_LARGE, "experts", experts, "at most", kMaxExperts);
  if (n > INT32_MAX)
    return fail(MOERT_TOO_LARGE, "rows", n, "at most", INT32_MAX);
  int64_t places = 0;
  for (int64_t e = 0; e < experts; ++e) {
    if (capacity[e] < 0)
      return fail(MOERT_INVALID_ARGUMENT, "a capacity", capacity[e], "at least",
                  0);
    places += capacity[e];
  }
  if (places != n)
    return fail(MOERT_INVALID_ARGUMENT, "sum of the capacities", places,
                "the number of rows,", n);
  return true;
}

/// moert_assign for either type of scores.
template <typename Float>
void assign(MoertContext *context, const Float *scores, const int32_t *capacity,
            int32_t *member, int64_t n, int64_t experts, bool exact) {
  context = moe::runtime::ours(context);
  bool legal = checkOperands(context, capacity, n, experts);
  if (legal &&
      (exact
           ? ExactAssignment<Float>(scores, capacity, member, n, experts).run()
           : assignGreedily(scores, capacity, member, n, experts)))
    return;
  if (legal && context)
    context->fail(MOERT_OUT_OF_MEMORY,
                  "assign: no memory for %lld rows and %lld experts",
                  (long long)n, (long long)experts);
  if (n > 0)
    std::fill_n(member, n, -1);
}

} // namespace

void moert_assign(MoertContext *context, const float *scores,
                  const int32_t *capacity, int32_t *member, int64_t n,
                  int64_t experts, int32_t exact) {
  assign(context, scores, capacity, member, n, experts, exact != 0);
}

void moert_assign_f64(MoertContext *context, const double *scores,
                      const int32_t *capacity, int32_t *member, int64_t n,
                      int64_t experts, int32_t exact) {
  assign(context, scores, capacity, member, n, experts, exact != 0);
}
