/*===- Support.h - what the tests in C share -----------------------------===*\
|* Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
\*===----------------------------------------------------------------------===*/
#ifndef MOE_TEST_UNIT_CAPI_SUPPORT_H
#define MOE_TEST_UNIT_CAPI_SUPPORT_H

#include "moe-c/moe.h"

#include <stdio.h>
#include <string.h>

/* What a test that fails returns. */
extern char report[1024];

#define STRING_(x) #x
#define STRING(x) STRING_(x)

/* Leaves the function with a report unless `condition` holds. */
#define EXPECT(condition)                                                      \
  do {                                                                         \
    if (!(condition)) {                                                        \
      snprintf(report, sizeof report, "%s:%d: %s; last message: %s", __FILE__, \
               __LINE__, #condition, moe_error_message());                     \
      return report;                                                           \
    }                                                                          \
  } while (0)
#define OK(call) EXPECT((call) == MOE_OK)
/* The call must fail like that, with a message that contains `text`. */
#define FAILS(call, expected, text)                                            \
  do {                                                                         \
    EXPECT((call) == (expected));                                              \
    EXPECT(strstr(moe_error_message(), text));                                 \
    EXPECT(!strchr(moe_error_message(), '\n'));                                \
  } while (0)

/* y = x * w row by row, as `scale`; and `same`, which has no weights. */
extern const char source[];
extern const size_t sourceSize;

extern const float weights[4];
extern const int64_t weightShape[1], rowShape[2]; /* {4} and {2, 4} */

MoertTensor tensorOf(const void *data, const int64_t *shape, int rank);

/* `scale` with its weights; the handles before it are gone by then. Null if
 * something fails. */
MoeBound *bindScale(void);

/* Calls it on two rows; MOERT_INTERNAL for wrong numbers. */
MoeStatus callScale(const MoeBound *bound, MoeContext *context, void *workspace,
                    uint64_t bytes);
/* The same with so many rows that it is several tasks. */
MoeStatus callLarge(const MoeBound *bound, MoeContext *context);

#endif
