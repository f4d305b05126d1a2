/*===- safetensors.c - reads tensors from safetensors files ---------------===*\
|* Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*===----------------------------------------------------------------------===*|
|*
|* A file is the length of its header (8 bytes, little-endian), the header
(JSON:
|* {NAME: {"dtype": TYPE, "shape": [N...], "data_offsets": [BEGIN, END]}, ...}),
|* and the tensors' bytes.
|*
\*===----------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L

#include "safetensors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER 100000000u /* other readers' limit, too */
#define MAX_DEPTH 32

/* Text that is left to read. */
typedef struct Text {
  const char *at, *end;
} Text;

typedef struct Slice {
  const char *data;
  size_t length;
} Slice;

static int fail(Safetensors *file, const char *path, const char *what) {
  snprintf(file->error, sizeof file->error, "%s: %s", path, what);
  return -1;
}

/*===-- JSON --------------------------------------------------------------===*/
/* Each function returns 1 if it has read what it is called after. */

static void skipSpace(Text *text) {
  while (text->at < text->end && strchr(" \t\r\n", *text->at) && *text->at)
    ++text->at;
}

static int consume(Text *text, char c) {
  skipSpace(text);
  if (text->at == text->end || *text->at != c)
    return 0;
  ++text->at;
  return 1;
}

/* What stands between the quotes. */
static int readString(Text *text, Slice *string) {
  if (!consume(text, '"'))
    return 0;
  string->data = text->at;
  while (text->at < text->end && *text->at != '"') {
    if (*text->at == '\\' && ++text->at == text->end)
      return 0;
    ++text->at;
  }
  string->length = (size_t)(text->at - string->data);
  return consume(text, '"');
}

/* A whole number that is not negative. */
static int readNumber(Text *text, int64_t *number) {
  const char *first;
  skipSpace(text);
  first = text->at;
  *number = 0;
  for (; text->at < text->end && *text->at >= '0' && *text->at <= '9';
       ++text->at) {
    int digit = *text->at - '0';
    if (*number > (INT64_MAX - digit) / 10)
      return 0;
    *number = *number * 10 + digit;
  }
  return text->at > first;
}

/* A list of at most `capacity` numbers; `count` says how many there were, those
 * beyond included. */
static int readNumbers(Text *text, int64_t *numbers, size_t capacity,
                       size_t *count) {
  *count = 0;
  if (!consume(text, '['))
    return 0;
  if (consume(text, ']'))
    return 1;
  do {
    int64_t number;
    if (!readNumber(text, &number))
      return 0;
    if (*count < capacity)
      numbers[*count] = number;
    ++*count;
  } while (consume(text, ','));
  return consume(text, ']');
}

/* Any value. */
static int skipValue(Text *text, int depth) {
  Slice string;
  char open, close;
  skipSpace(text);
  if (text->at == text->end || depth == MAX_DEPTH)
    return 0;
  open = *text->at;
  if (open == '"')
    return readString(text, &string);
  if (open != '{' && open != '[') { /* a number, true, false, null */
    const char *first = text->at;
    while (text->at < text->end && *text->at &&
           strchr("+-.0123456789Eaeflnrstu", *text->at))
      ++text->at;
    return text->at > first;
  }
  close = open == '{' ? '}' : ']';
  ++text->at;
  if (consume(text, close))
    return 1;
  do {
    if (open == '{' && !(readString(text, &string) && consume(text, ':')))
      return 0;
    if (!skipValue(text, depth + 1))
      return 0;
  } while (consume(text, ','));
  return consume(text, close);
}

/*===-- tensors -----------------------------------------------------------===*/

static int equals(Slice slice, const char *text) {
  return slice.length == strlen(text) &&
         !memcmp(slice.data, text, slice.length);
}

/* The type of that name; 0 if moert.h has none. */
static uint8_t dtypeOf(Slice name) {
  static const struct {
    const char *name;
    uint8_t dtype;
  } dtypes[] = {
      {"F64", MOERT_F64},   {"F32", MOERT_F32},       {"F16", MOERT_F16},
      {"BF16", MOERT_BF16}, {"I64", MOERT_I64},       {"I32", MOERT_I32},
      {"I16", MOERT_I16},   {"I8", MOERT_I8},         {"U8", MOERT_U8},
      {"BOOL", MOERT_I1},   {"F8_E8M0", MOERT_F8E8M0}};
  size_t i;
  for (i = 0; i < sizeof dtypes / sizeof *dtypes; ++i)
    if (equals(name, dtypes[i].name))
      return dtypes[i].dtype;
  return 0;
}

/* The bytes of a tensor; -1 if they do not fit in 63 bits. */
static int64_t bytesOf(const SafeTensor *tensor) {
  int64_t bytes = (int64_t)moert_dtype_bytes(tensor->tensor.dtype);
  unsigned i;
  for (i = 0; i < tensor->tensor.rank; ++i)
    if (tensor->shape[i] == 0)
      return 0;
  for (i = 0; i < tensor->tensor.rank; ++i) {
    if (bytes > INT64_MAX / tensor->shape[i])
      return -1;
    bytes *= tensor->shape[i];
  }
  return bytes;
}

/* One member of the header, from behind its name. What is wrong with it, or
 * null; *usable is 0 for a tensor that moert.h cannot describe. */
static const char *readTensor(Text *text, const char *data, int64_t size,
                              SafeTensor *tensor, int *usable) {
  Slice key, dtype = {"", 0};
  int64_t offsets[2] = {0, 0};
  size_t rank = 0, count = 0;
  int hasShape = 0;
  if (!consume(text, '{'))
    return "its header is malformed";
  do {
    int ok = readString(text, &key) && consume(text, ':');
    if (ok && equals(key, "dtype"))
      ok = readString(text, &dtype);
    else if (ok && equals(key, "shape"))
      ok = hasShape = readNumbers(text, tensor->shape, MOERT_MAX_RANK, &rank);
    else if (ok && equals(key, "data_offsets"))
      ok = readNumbers(text, offsets, 2, &count);
    else if (ok)
      ok = skipValue(text, 0);
    if (!ok)
      return "its header is malformed";
  } while (consume(text, ','));
  if (!consume(text, '}') || !dtype.length || !hasShape || count != 2)
    return "its header is malformed";
  if (offsets[0] > offsets[1] || offsets[1] > size)
    return "a tensor lies outside of the file";
  tensor->tensor.dtype = dtypeOf(dtype);
  *usable = tensor->tensor.dtype && rank <= MOERT_MAX_RANK;
  if (!*usable)
    return NULL;
  tensor->tensor.rank = (uint8_t)rank;
  if (bytesOf(tensor) != offsets[1] - offsets[0])
    return "a tensor's shape does not fit its bytes";
  tensor->tensor.data = (void *)(uintptr_t)(data + offsets[0]);
  return NULL;
}

static int readHeader(Safetensors *file, const char *path, Text text,
                      int64_t size) {
  size_t capacity = 0;
  if (!consume(&text, '{'))
    return fail(file, path, "its header is malformed");
  if (consume(&text, '}'))
    return 0;
  do {
    SafeTensor tensor;
    Slice name;
    const char *problem;
    int usable;
    memset(&tensor, 0, sizeof tensor);
    if (!readString(&text, &name) || !consume(&text, ':'))
      return fail(file, path, "its header is malformed");
    if (equals(name, "__metadata__")) {
      if (!skipValue(&text, 0))
        return fail(file, path, "its header is malformed");
      continue;
    }
    problem =
        readTensor(&text, (const char *)file->data, size, &tensor, &usable);
    if (problem)
      return fail(file, path, problem);
    if (!usable)
      continue;
    if (file->count == capacity) {
      size_t more = capacity ? 2 * capacity : 64;
      SafeTensor *grown =
          (SafeTensor *)realloc(file->tensors, more * sizeof *grown);
      if (!grown)
        return fail(file, path, "no memory");
      file->tensors = grown;
      capacity = more;
    }
    tensor.name = name.data;
    tensor.name_length = name.length;
    file->tensors[file->count++] = tensor;
  } while (consume(&text, ','));
  return consume(&text, '}') ? 0 : fail(file, path, "its header is malformed");
}

/*===-- files -------------------------------------------------------------===*/

/* Reads the two parts of a file into memory. */
static int readParts(Safetensors *file, const char *path, FILE *stream,
                     uint64_t *header, uint64_t *data) {
  unsigned char length[8];
  long size;
  int i;
  if (fseek(stream, 0, SEEK_END) || (size = ftell(stream)) < 0 ||
      fseek(stream, 0, SEEK_SET))
    return fail(file, path, "cannot be read from its end");
  if (fread(length, 1, sizeof length, stream) != sizeof length)
    return fail(file, path,
                ferror(stream) ? strerror(errno)
                               : "is too short for a safetensors file");
  for (*header = 0, i = 7; i >= 0; --i)
    *header = *header << 8 | length[i];
  if (*header > MAX_HEADER || *header > (uint64_t)size - sizeof length)
    return fail(file, path, "its header is longer than the file");
  *data = (uint64_t)size - sizeof length - *header;
  file->header = malloc(*header + 1);
  /* Tensors are aligned to their elements in the file's data, if at all. */
  if (posix_memalign(&file->data, MOERT_ALIGNMENT, *data + 1))
    file->data = NULL;
  if (!file->header || !file->data)
    return fail(file, path, "no memory");
  if (fread(file->header, 1, *header, stream) != *header ||
      fread(file->data, 1, *data, stream) != *data)
    return fail(file, path, "cannot be read to its end");
  return 0;
}

int safetensors_open(Safetensors *file, const char *path) {
  FILE *stream;
  uint64_t header, data;
  Text text;
  size_t i;
  int status;
  memset(file, 0, sizeof *file);
  stream = fopen(path, "rb");
  if (!stream)
    return fail(file, path, strerror(errno));
  status = readParts(file, path, stream, &header, &data);
  fclose(stream);
  if (status)
    return status;
  text.at = (const char *)file->header;
  text.end = text.at + header;
  if (readHeader(file, path, text, (int64_t)data))
    return -1;
  for (i = 0; i < file->count; ++i) /* the array does not move any more */
    file->tensors[i].tensor.shape = file->tensors[i].shape;
  return 0;
}

void safetensors_close(Safetensors *file) {
  free(file->header);
  free(file->data);
  free(file->tensors);
  memset(file, 0, sizeof *file);
}

const SafeTensor *safetensors_find(const Safetensors *file, const char *name) {
  size_t i;
  for (i = 0; i < file->count; ++i) {
    Slice slice = {file->tensors[i].name, file->tensors[i].name_length};
    if (equals(slice, name))
      return &file->tensors[i];
  }
  return NULL;
}
