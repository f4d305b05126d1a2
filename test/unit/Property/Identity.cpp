//===- Identity.cpp - programs that say the same twice --------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Identity.h"
#include "Draw.h"

using namespace moe;
using namespace moe::test;

void moe::test::expectIdentity(const std::string &text, double rtol) {
  SCOPED_TRACE(text);
  std::optional<Executable> executable = Executable::compile(text);
  ASSERT_TRUE(executable);
  const MoertEntry &entry = executable->entry();
  Draw draw(11);
  for (int64_t tokens : {0, 1, 2, 5, 33}) {
    std::vector<TensorView> arguments;
    for (const MoertArg &arg : llvm::ArrayRef(entry.args, entry.n_args)) {
      if (arg.role == MOERT_OUTPUT)
        continue;
      Shape shape;
      for (int32_t dim : llvm::ArrayRef(arg.dims, arg.rank))
        shape.push_back(dim < 0 ? tokens : entry.sizes[dim]);
      auto dtype = static_cast<MoertDType>(arg.dtype);
      arguments.push_back(asView(draw.numbers(shape, dtype), dtype));
    }
    std::vector<TensorView> results = executable->expect(arguments, {});
    for (size_t i = 0; i + 1 < results.size(); i += 2) {
      if (rtol == 0)
        EXPECT_TRUE(isSame(results[i], results[i + 1])) << "pair " << i / 2;
      else
        expectAgreement("pair " + std::to_string(i / 2), results[i],
                        {results[i + 1], rtol});
    }
  }
}
