/*===- Use.c - the C API as it is meant to be used -----------------------===*\
|* Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
\*===----------------------------------------------------------------------===*/

#include "InC.h"
#include "Support.h"

#include <stdlib.h>

const char *testVersions(void) {
  EXPECT(moe_api_version() == MOE_API_VERSION);
  EXPECT(strstr(moe_version(), "LLVM 22.1"));
  EXPECT(!strcmp(moe_status_name(MOE_OK), "ok"));
  EXPECT(!strcmp(moe_status_name(MOE_NOT_FOUND), "not found"));
  EXPECT(!strcmp(moe_status_name(MOE_INVALID_HANDLE), "invalid handle"));
  EXPECT(!strcmp(moe_status_name(MOE_BUSY), "the context is in use"));
  EXPECT(!strcmp(moe_status_name(MOE_COMPILE_ERROR), "cannot be compiled"));
  EXPECT(!strcmp(moe_status_name(-5), "?"));
  return NULL;
}

const char *testWholeWay(void) {
  MoeCompilerOptions options;
  MoeCompiler *compiler;
  MoeModule *module;
  MoeFunction *function, *other;
  MoeBound *bound;
  MoertTensor weight = tensorOf(weights, weightShape, 1);
  MoeStatistics statistics;
  MoeTimes times;
  const MoertEntry *entry, *same;
  const char *text;
  size_t size;
  float x[2] = {3, 4}, y[2] = {0, 0};
  int64_t shape[1] = {2};
  MoertTensor tensors[2];

  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.target = "reference";
  options.cache_dir = "";
  OK(moe_compiler_create(&options, &compiler));
  OK(moe_compiler_cpu(compiler, &text));
  EXPECT(*text && strcmp(text, "native"));
  OK(moe_compile(compiler, source, sourceSize, "scale.mlir", &module));
  statistics.size = sizeof statistics;
  OK(moe_compiler_statistics(compiler, &statistics));
  EXPECT(statistics.compilations == 1 && statistics.cache_hits == 0);
  times.size = sizeof times;
  OK(moe_module_times(module, &times));
  EXPECT(times.codegen > 0 && times.from_cache == 0);

  OK(moe_module_size(module, &size));
  EXPECT(size == 2);
  OK(moe_module_function(module, 1, &other));
  OK(moe_function_signature(other, &text));
  EXPECT(!strcmp(text, "same(argument0: f32[2]) -> (result0: f32[2])"));
  OK(moe_module_lookup(module, "scale", &function));
  OK(moe_function_signature(function, &text));
  EXPECT(
      !strcmp(text, "scale(x: f32[T, 4], w: weight f32[4]) -> (y: f32[T, 4])"));
  OK(moe_function_entry(function, &entry));
  EXPECT(entry->n_args == 3 && entry->n_symbols == 1);
  EXPECT(!strcmp(entry->symbols[0], "T"));
  EXPECT(entry->args[0].dims[0] == -1 && entry->args[1].role == MOERT_WEIGHT);
  EXPECT(entry->sizes[entry->args[0].dims[1]] == 4);

  OK(moe_bind(function, NULL, &weight, 1, &bound));
  OK(moe_bound_entry(bound, &same));
  EXPECT(same == entry);
  OK(callScale(bound, NULL, NULL, 0));
  OK(moe_bound_destroy(bound));

  OK(moe_bind(other, NULL, NULL, 0, &bound));
  tensors[0] = tensorOf(x, shape, 1);
  tensors[1] = tensorOf(y, shape, 1);
  OK(moe_call(bound, NULL, tensors, 2, NULL, 0));
  EXPECT(y[0] == 3 && y[1] == 4);
  OK(moe_bound_destroy(bound));
  OK(moe_function_destroy(other));
  OK(moe_function_destroy(function));
  OK(moe_module_destroy(module));
  OK(moe_compiler_destroy(compiler));
  return NULL;
}

const char *testOwnWorkspaceAndContext(void) {
  MoertContextOptions options = {sizeof options, 2, NULL, NULL, NULL};
  MoeBound *bound = bindScale();
  MoeContext *context;
  MoeCompiler *compiler;
  MoeModule *module;
  MoeFunction *function;
  MoertTensor tensors[2];
  int64_t symbols[1] = {0};
  uint64_t bytes;
  uint32_t threads;
  void *memory, *workspace;

  EXPECT(bound);
  OK(moe_context_create(&options, &context));
  OK(moe_context_threads(context, &threads));
  EXPECT(threads == 2);
  OK(moe_compiler_create(NULL, &compiler));
  OK(moe_compile(compiler, source, sourceSize, NULL, &module));
  OK(moe_module_lookup(module, "scale", &function));
  tensors[0] = tensorOf(NULL, rowShape, 2);
  tensors[1] = tensorOf(NULL, rowShape, 2);
  OK(moe_function_symbols(function, tensors, 2, symbols));
  EXPECT(symbols[0] == 2);
  symbols[0] = 0;
  OK(moe_function_symbols(function, tensors, 1, symbols)); /* inputs alone */
  EXPECT(symbols[0] == 2);
  OK(moe_function_workspace(function, symbols, &bytes));

  memory = malloc(bytes + 2 * MOERT_ALIGNMENT);
  workspace =
      (char *)memory + MOERT_ALIGNMENT - (uintptr_t)memory % MOERT_ALIGNMENT;
  OK(callScale(bound, context, workspace, bytes + 1));
  FAILS(callScale(bound, context, (char *)workspace + 1, bytes),
        MOERT_INVALID_ARGUMENT, "not aligned");
  OK(callScale(bound, context, NULL, 0));
  free(memory);

  OK(moe_context_destroy(context));
  OK(moe_function_destroy(function));
  OK(moe_module_destroy(module));
  OK(moe_compiler_destroy(compiler));
  OK(moe_bound_destroy(bound));
  return NULL;
}

const char *testBlob(void) {
  MoeBound *bound = bindScale(), *again, *wrong;
  MoeCompiler *compiler;
  MoeModule *module;
  MoeFunction *function, *same;
  const void *blob;
  uint64_t size;
  void *memory, *copy;

  EXPECT(bound);
  OK(moe_bound_blob(bound, &blob, &size));
  memory = malloc(size + MOERT_ALIGNMENT);
  copy = (char *)memory + MOERT_ALIGNMENT - (uintptr_t)memory % MOERT_ALIGNMENT;
  memcpy(copy, blob, size);
  OK(moe_bound_destroy(bound));

  OK(moe_compiler_create(NULL, &compiler));
  OK(moe_compile(compiler, source, sourceSize, NULL, &module));
  OK(moe_module_lookup(module, "scale", &function));
  OK(moe_module_lookup(module, "same", &same));
  OK(moe_bind_blob(function, copy, size, &again));
  OK(callScale(again, NULL, NULL, 0));
  OK(moe_bound_destroy(again));

  FAILS(moe_bind_blob(function, copy, size - 1, &wrong), MOERT_WRONG_BLOB,
        "cut off");
  FAILS(moe_bind_blob(function, copy, 3, &wrong), MOERT_WRONG_BLOB, "cut off");
  FAILS(moe_bind_blob(same, copy, size, &wrong), MOERT_WRONG_BLOB,
        "another entry");
  EXPECT(!wrong);
  FAILS(moe_bind_blob(function, NULL, size, &wrong), MOERT_INVALID_ARGUMENT,
        "null");
  ((char *)copy)[20] ^= 1;
  FAILS(moe_bind_blob(function, copy, size, &wrong), MOERT_WRONG_BLOB,
        "damaged");
  memset(copy, 0, size);
  FAILS(moe_bind_blob(function, copy, size, &wrong), MOERT_WRONG_BLOB,
        "magic number");
  free(memory);
  OK(moe_function_destroy(same));
  OK(moe_function_destroy(function));
  OK(moe_module_destroy(module));
  OK(moe_compiler_destroy(compiler));
  return NULL;
}

const char *testEmit(void) {
  static const struct {
    const char *what, *text;
  } kinds[] = {{"input", "linalg.generic"},
               {"kernels", "func.func"},
               {"prepared", "scale.prepare"},
               {"buffers", "memref"},
               {"loops", "memref"},
               {"llvm", "llvm.func"},
               {"llvm-ir", "@moert_entry_scale"},
               {"assembly", "moert_entry_scale:"}};
  MoeCompiler *compiler;
  MoeModule *module;
  MoeFunction *function;
  MoeBuffer *buffer;
  MoeBound *bound;
  MoertTensor weight = tensorOf(weights, weightShape, 1);
  const char *data;
  size_t size, i;

  OK(moe_compiler_create(NULL, &compiler));
  for (i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    OK(moe_emit(compiler, source, sourceSize, NULL, kinds[i].what, &buffer));
    OK(moe_buffer_get(buffer, &data, &size));
    EXPECT(strstr(data, kinds[i].text));
    EXPECT(strlen(data) == size);
    OK(moe_buffer_destroy(buffer));
  }
  FAILS(moe_emit(compiler, source, sourceSize, NULL, "oops", &buffer),
        MOERT_INVALID_ARGUMENT, "cannot emit 'oops'");
  EXPECT(!buffer);

  OK(moe_emit(compiler, source, sourceSize, NULL, "object", &buffer));
  OK(moe_buffer_get(buffer, &data, &size));
  EXPECT(size > 4 && !memcmp(data, "\177ELF", 4));
  OK(moe_load_object(compiler, data, size, &module));
  OK(moe_buffer_destroy(buffer));
  OK(moe_module_size(module, &size));
  EXPECT(size == 2);
  OK(moe_module_function(module, 0, &function));
  OK(moe_bind(function, NULL, &weight, 1, &bound));
  OK(callScale(bound, NULL, NULL, 0));
  OK(moe_bound_destroy(bound));
  OK(moe_function_destroy(function));
  OK(moe_module_destroy(module));
  FAILS(moe_load_object(compiler, source, sourceSize, &module),
        MOE_COMPILE_ERROR, "not an object file");
  FAILS(moe_load_object(compiler, "", 0, &module), MOE_COMPILE_ERROR,
        "not an object file");
  OK(moe_compiler_destroy(compiler));
  return NULL;
}

struct seen {
  int errors, notes;
  char location[64], message[128], note[64];
};

static void see(void *user, const MoeDiagnostic *diagnostic) {
  struct seen *seen = user;
  seen->errors += diagnostic->severity == MOE_ERROR;
  seen->notes += (int)diagnostic->n_notes;
  snprintf(seen->location, sizeof seen->location, "%s", diagnostic->location);
  snprintf(seen->message, sizeof seen->message, "%s", diagnostic->message);
  if (diagnostic->n_notes)
    snprintf(seen->note, sizeof seen->note, "%s",
             diagnostic->notes[0].location);
}

const char *testDiagnostics(void) {
  static const char bad[] =
      "func.func @f() {\n  return\n}\nfunc.func @f() {\n  return\n}";
  MoeCompilerOptions options;
  struct seen seen;
  MoeCompiler *compiler;
  MoeModule *module;
  memset(&options, 0, sizeof options);
  memset(&seen, 0, sizeof seen);
  options.size = sizeof options;
  options.diagnostics = see;
  options.user = &seen;
  OK(moe_compiler_create(&options, &compiler));
  FAILS(moe_compile(compiler, bad, sizeof bad - 1, "bad.mlir", &module),
        MOE_COMPILE_ERROR, "bad.mlir:4:1: redefinition of symbol named 'f'");
  EXPECT(!module);
  EXPECT(seen.errors == 1 && seen.notes == 1);
  EXPECT(!strcmp(seen.location, "bad.mlir:4:1"));
  EXPECT(!strcmp(seen.message, "redefinition of symbol named 'f'"));
  EXPECT(!strcmp(seen.note, "bad.mlir:1:1"));
  FAILS(moe_compile(compiler, "", 0, NULL, &module), MOE_COMPILE_ERROR,
        "no public function");
  FAILS(moe_compile(compiler, NULL, 0, NULL, &module), MOE_COMPILE_ERROR,
        "no public function");
  FAILS(moe_compile_file(compiler, "/nowhere/f.mlir", &module),
        MOE_COMPILE_ERROR, "cannot open");
  OK(moe_compiler_destroy(compiler));
  return NULL;
}
