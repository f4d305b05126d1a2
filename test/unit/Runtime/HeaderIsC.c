/*===- HeaderIsC.c - moert.h from a C program
------------------------------===*\
|* Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
\*===----------------------------------------------------------------------===*/

#include "moert/moert.h"

int createContextFromC(uint32_t threads);

/* Returns the number of threads of a context made here. */
int createContextFromC(uint32_t threads) {
  MoertContextOptions options = {sizeof options, threads, NULL, NULL, NULL};
  MoertContext *context = NULL;
  int result = -1;
  if (moert_context_create(&options, &context) == MOERT_OK)
    result = (int)moert_threads(context);
  moert_context_destroy(context);
  return result;
}
