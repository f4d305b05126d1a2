//===- Router.h - a random moe.route ----------------------------*- C++ -*-===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_TEST_UNIT_PROPERTY_ROUTER_H
#define MOE_TEST_UNIT_PROPERTY_ROUTER_H

#include "Draw.h"

#include "moe/Reference/Routing.h"

namespace moe::test {

/// The attributes of a moe.route. Every combination of score, rule, groups and
/// top_p comes once in 40 seeds.
struct Router {
  Router(Draw &draw, uint64_t seed);

  /// " score(...) weights(...) groups(...) scale ... {...}".
  std::string text() const;

  int64_t experts, slots;
  reference::RouteOptions options;
};

} // namespace moe::test

#endif // MOE_TEST_UNIT_PROPERTY_ROUTER_H
