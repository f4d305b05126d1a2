/*===- safetensors.h - reads tensors from safetensors files ---------------===*\
|* Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*===----------------------------------------------------------------------===*|
|*
|* A reader for programs in C, to be taken along: C99, no other library. It
takes
|* nothing in the file on trust.
|*
\*===----------------------------------------------------------------------===*/
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include <moert/moert.h>

/* A tensor of the file; `tensor` is ready for moert_prepare and moert_call. */
typedef struct SafeTensor {
  const char *name; /* as in the file: not terminated, escapes not resolved */
  size_t name_length;
  int64_t shape[MOERT_MAX_RANK];
  MoertTensor tensor;
} SafeTensor;

typedef struct Safetensors {
  void *header, *data;
  SafeTensor *tensors;
  size_t count;
  char error[256]; /* "FILE: what is wrong" */
} Safetensors;

/* Reads the whole file. Returns 0, or -1 with a message in file->error; to be
 * closed in both cases. Tensors of a type or rank that moert.h does not have
 * are left out. */
int safetensors_open(Safetensors *file, const char *path);
void safetensors_close(Safetensors *file);

/* The tensor of that name, or null. */
const SafeTensor *safetensors_find(const Safetensors *file, const char *name);

#endif /* SAFETENSORS_H */
