/*===- Misuse.c - the C API in wrong hands -------------------------------===*\
|* Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
\*===----------------------------------------------------------------------===*/

#include "InC.h"
#include "Support.h"

/* Every function on `compiler` and so on, none of which is a valid handle. */
static const char *useAll(MoeCompiler *compiler, MoeModule *module,
                          MoeFunction *function, MoeBound *bound,
                          MoeContext *context, MoeBuffer *buffer,
                          const char *why) {
  MoeStatistics statistics = {sizeof statistics, 0, 0, 0, 0};
  MoeTimes times = {sizeof times, 0, 0, 0, 0, 0};
  MoeModule *newModule = (MoeModule *)&statistics;
  MoeFunction *newFunction = (MoeFunction *)&statistics;
  MoeBound *newBound = (MoeBound *)&statistics;
  MoeBuffer *newBuffer = (MoeBuffer *)&statistics;
  const MoertEntry *entry;
  const char *text;
  const void *blob;
  size_t size;
  uint64_t bytes;
  uint32_t threads;
  int64_t symbol;
  MoertTensor tensor = tensorOf(NULL, NULL, 0);

  FAILS(moe_compiler_cpu(compiler, &text), MOE_INVALID_HANDLE, why);
  EXPECT(!text);
  FAILS(moe_compiler_statistics(compiler, &statistics), MOE_INVALID_HANDLE,
        why);
  FAILS(moe_compile(compiler, "", 0, NULL, &newModule), MOE_INVALID_HANDLE,
        why);
  EXPECT(!newModule);
  FAILS(moe_compile_file(compiler, "/", &newModule), MOE_INVALID_HANDLE, why);
  FAILS(moe_load_object(compiler, "", 0, &newModule), MOE_INVALID_HANDLE, why);
  FAILS(moe_emit(compiler, "", 0, NULL, "object", &newBuffer),
        MOE_INVALID_HANDLE, why);
  EXPECT(!newBuffer);
  FAILS(moe_buffer_get(buffer, &text, &size), MOE_INVALID_HANDLE, why);
  FAILS(moe_module_times(module, &times), MOE_INVALID_HANDLE, why);
  FAILS(moe_module_size(module, &size), MOE_INVALID_HANDLE, why);
  FAILS(moe_module_function(module, 0, &newFunction), MOE_INVALID_HANDLE, why);
  EXPECT(!newFunction);
  FAILS(moe_module_lookup(module, "f", &newFunction), MOE_INVALID_HANDLE, why);
  FAILS(moe_function_entry(function, &entry), MOE_INVALID_HANDLE, why);
  EXPECT(!entry);
  FAILS(moe_function_signature(function, &text), MOE_INVALID_HANDLE, why);
  FAILS(moe_function_symbols(function, &tensor, 1, &symbol), MOE_INVALID_HANDLE,
        why);
  FAILS(moe_function_workspace(function, &symbol, &bytes), MOE_INVALID_HANDLE,
        why);
  FAILS(moe_context_threads(context, &threads), MOE_INVALID_HANDLE, why);
  FAILS(moe_bind(function, NULL, NULL, 0, &newBound), MOE_INVALID_HANDLE, why);
  EXPECT(!newBound);
  FAILS(moe_bind_blob(function, "", 0, &newBound), MOE_INVALID_HANDLE, why);
  FAILS(moe_bound_entry(bound, &entry), MOE_INVALID_HANDLE, why);
  FAILS(moe_bound_blob(bound, &blob, &bytes), MOE_INVALID_HANDLE, why);
  FAILS(moe_call(bound, NULL, &tensor, 1, NULL, 0), MOE_INVALID_HANDLE, why);
  return NULL;
}

/* Destroys them; each must be refused. */
static const char *destroyAll(MoeCompiler *compiler, MoeModule *module,
                              MoeFunction *function, MoeBound *bound,
                              MoeContext *context, MoeBuffer *buffer) {
  FAILS(moe_compiler_destroy(compiler), MOE_INVALID_HANDLE, "MoeCompiler");
  FAILS(moe_module_destroy(module), MOE_INVALID_HANDLE, "MoeModule");
  FAILS(moe_function_destroy(function), MOE_INVALID_HANDLE, "MoeFunction");
  FAILS(moe_bound_destroy(bound), MOE_INVALID_HANDLE, "MoeBound");
  FAILS(moe_context_destroy(context), MOE_INVALID_HANDLE, "MoeContext");
  FAILS(moe_buffer_destroy(buffer), MOE_INVALID_HANDLE, "MoeBuffer");
  return NULL;
}

const char *testNullHandles(void) {
  OK(moe_compiler_destroy(NULL));
  OK(moe_module_destroy(NULL));
  OK(moe_function_destroy(NULL));
  OK(moe_bound_destroy(NULL));
  OK(moe_context_destroy(NULL));
  OK(moe_buffer_destroy(NULL));
  return useAll(NULL, NULL, NULL, NULL, NULL, NULL, "is null");
}

/* One handle of each type; null if that fails. */
static const char *makeAll(MoeCompiler **compiler, MoeModule **module,
                           MoeFunction **function, MoeBound **bound,
                           MoeContext **context, MoeBuffer **buffer) {
  MoertTensor weight = tensorOf(weights, weightShape, 1);
  OK(moe_compiler_create(NULL, compiler));
  OK(moe_compile(*compiler, source, sourceSize, NULL, module));
  OK(moe_module_lookup(*module, "scale", function));
  OK(moe_context_create(NULL, context));
  OK(moe_bind(*function, *context, &weight, 1, bound));
  OK(moe_emit(*compiler, source, sourceSize, NULL, "input", buffer));
  return NULL;
}

const char *testDestroyedHandles(void) {
  MoeCompiler *compiler;
  MoeModule *module;
  MoeFunction *function;
  MoeBound *bound;
  MoeContext *context;
  MoeBuffer *buffer;
  const char *failed;
  if ((failed =
           makeAll(&compiler, &module, &function, &bound, &context, &buffer)))
    return failed;
  OK(moe_compiler_destroy(compiler));
  OK(moe_module_destroy(module));
  OK(moe_function_destroy(function));
  OK(callScale(bound, context, NULL, 0)); /* it keeps what it needs */
  OK(moe_context_destroy(context));
  FAILS(callScale(bound, context, NULL, 0), MOE_INVALID_HANDLE, "MoeContext");
  OK(callScale(bound, NULL, NULL, 0));
  OK(moe_bound_destroy(bound));
  OK(moe_buffer_destroy(buffer));
  if ((failed = useAll(compiler, module, function, bound, context, buffer,
                       "was destroyed")))
    return failed;
  return destroyAll(compiler, module, function, bound, context, buffer);
}

const char *testWrongHandles(void) {
  static double numbers[4];
  MoeCompiler *compiler;
  MoeModule *module;
  MoeFunction *function;
  MoeBound *bound;
  MoeContext *context;
  MoeBuffer *buffer;
  const char *failed;
  /* Addresses, and numbers, are no handles. */
  void *addresses[3];
  int i;
  addresses[0] = numbers;
  addresses[1] = (void *)(uintptr_t)1;
  addresses[2] = (void *)UINTPTR_MAX;
  for (i = 0; i < 3; ++i) {
    void *p = addresses[i];
    if ((failed = useAll(p, p, p, p, p, p, "is not one")))
      return failed;
    if ((failed = destroyAll(p, p, p, p, p, p)))
      return failed;
  }
  /* Nor are those of another type. */
  if ((failed =
           makeAll(&compiler, &module, &function, &bound, &context, &buffer)))
    return failed;
  if ((failed = useAll((void *)buffer, (void *)compiler, (void *)module,
                       (void *)function, (void *)bound, (void *)context,
                       "is not one")))
    return failed;
  if ((failed = destroyAll((void *)buffer, (void *)compiler, (void *)module,
                           (void *)function, (void *)bound, (void *)context)))
    return failed;
  FAILS(callScale(bound, (void *)bound, NULL, 0), MOE_INVALID_HANDLE,
        "MoeContext");
  OK(callScale(bound, context, NULL, 0)); /* they have survived it */
  OK(moe_buffer_destroy(buffer));
  OK(moe_context_destroy(context));
  OK(moe_bound_destroy(bound));
  OK(moe_function_destroy(function));
  OK(moe_module_destroy(module));
  OK(moe_compiler_destroy(compiler));
  return NULL;
}

const char *testAnyOrderOfDestruction(void) {
  /* Each bit pattern is an order in which some are destroyed early. */
  int order;
  uint64_t before = moe_live_handles();
  MoeBound *bound = bindScale();
  EXPECT(bound);
  for (order = 0; order < 4; ++order) {
    MoeCompiler *compiler;
    MoeModule *module;
    MoeFunction *function;
    OK(moe_compiler_create(NULL, &compiler));
    OK(moe_compile(compiler, source, sourceSize, NULL, &module));
    if (order & 1)
      OK(moe_compiler_destroy(compiler));
    OK(moe_module_lookup(module, "scale", &function));
    if (order & 2)
      OK(moe_module_destroy(module));
    {
      const char *signature;
      OK(moe_function_signature(function, &signature));
      EXPECT(strstr(signature, "scale("));
    }
    OK(moe_function_destroy(function));
    if (!(order & 2))
      OK(moe_module_destroy(module));
    if (!(order & 1))
      OK(moe_compiler_destroy(compiler));
  }
  EXPECT(moe_live_handles() == before + 1);
  OK(moe_bound_destroy(bound));
  EXPECT(moe_live_handles() == before);
  return NULL;
}

const char *testStructSizes(void) {
  struct {
    MoeCompilerOptions options;
    uint64_t more;
  } newer;
  MoeStatistics statistics = {0, 0, 7, 7, 7};
  MoeCompiler *compiler;
  MoeContext *context;
  MoertContextOptions contextOptions = {0, 1, NULL, NULL, NULL};

  memset(&newer, 0, sizeof newer);
  FAILS(moe_compiler_create(&newer.options, &compiler), MOERT_INVALID_ARGUMENT,
        "MoeCompilerOptions.size");
  EXPECT(!compiler);
  newer.options.size = sizeof newer; /* a later version's, all new fields 0 */
  OK(moe_compiler_create(&newer.options, &compiler));
  OK(moe_compiler_destroy(compiler));
  newer.more = 1;
  FAILS(moe_compiler_create(&newer.options, &compiler), MOERT_INVALID_ARGUMENT,
        "does not know");
  /* An earlier version's: what follows is not read. */
  newer.options.size = offsetof(MoeCompilerOptions, target);
  newer.options.target = "nonsense";
  OK(moe_compiler_create(&newer.options, &compiler));

  FAILS(moe_compiler_statistics(compiler, &statistics), MOERT_INVALID_ARGUMENT,
        "MoeStatistics.size");
  statistics.size = offsetof(MoeStatistics, cache_hits);
  OK(moe_compiler_statistics(compiler, &statistics));
  EXPECT(statistics.compilations == 0 && statistics.cache_hits == 7);
  EXPECT(statistics.size == offsetof(MoeStatistics, cache_hits));
  OK(moe_compiler_destroy(compiler));
  FAILS(moe_context_create(&contextOptions, &context), MOERT_INVALID_ARGUMENT,
        "MoertContextOptions.size");
  return NULL;
}

const char *testBadArguments(void) {
  MoeCompilerOptions options;
  MoeCompiler *compiler;
  MoeModule *module;
  MoeFunction *function;
  MoeBound *bound = bindScale(), *other;
  MoertTensor tensors[2], weight = tensorOf(weights, weightShape, 1);
  float x[12] = {0};
  int64_t wrongShape[2] = {2, 5}, three[2] = {3, 4};
  uint64_t bytes;
  int64_t symbols[1] = {-3};

  EXPECT(bound);
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.target = "tpu";
  FAILS(moe_compiler_create(&options, &compiler), MOERT_INVALID_ARGUMENT,
        "'tpu'");
  options.target = NULL;
  options.cpu = "i8087";
  FAILS(moe_compiler_create(&options, &compiler), MOERT_INVALID_ARGUMENT,
        "'i8087'");
  options.cpu = NULL;
  options.from = "end";
  FAILS(moe_compiler_create(&options, &compiler), MOERT_INVALID_ARGUMENT,
        "'end'");
  FAILS(moe_compiler_create(NULL, NULL), MOERT_INVALID_ARGUMENT, "null");
  FAILS(moe_context_create(NULL, NULL), MOERT_INVALID_ARGUMENT, "null");

  OK(moe_compiler_create(NULL, &compiler));
  FAILS(moe_compile(compiler, NULL, 4, NULL, &module), MOERT_INVALID_ARGUMENT,
        "source is null");
  FAILS(moe_compile(compiler, "", 0, NULL, NULL), MOERT_INVALID_ARGUMENT,
        "module is null");
  FAILS(moe_compile_file(compiler, NULL, &module), MOERT_INVALID_ARGUMENT,
        "path is null");
  OK(moe_compile(compiler, source, sourceSize, NULL, &module));
  FAILS(moe_module_function(module, 2, &function), MOE_NOT_FOUND,
        "there are 2");
  FAILS(moe_module_lookup(module, "scal", &function), MOE_NOT_FOUND,
        "there is: scale, same");
  FAILS(moe_module_lookup(module, NULL, &function), MOE_NOT_FOUND,
        "2 functions");
  OK(moe_module_lookup(module, "scale", &function));
  FAILS(moe_bind(function, NULL, NULL, 1, &other), MOERT_INVALID_ARGUMENT,
        "weights is null");
  FAILS(moe_bind(function, NULL, NULL, 0, &other), MOERT_INVALID_ARGUMENT,
        "expected 1 weights, got 0");
  weight.dtype = MOERT_F64;
  FAILS(moe_bind(function, NULL, &weight, 1, &other), MOERT_INVALID_ARGUMENT,
        "expected f32[4], got f64[4]");
  FAILS(moe_function_workspace(function, symbols, &bytes),
        MOERT_INVALID_ARGUMENT, "expected at least 0");
  FAILS(moe_function_symbols(function, NULL, 2, symbols),
        MOERT_INVALID_ARGUMENT, "null");
  FAILS(moe_function_symbols(function, tensors, 0, symbols),
        MOERT_INVALID_ARGUMENT, "expected 2 tensors");

  tensors[0] = tensorOf(x, wrongShape, 2);
  tensors[1] = tensorOf(x, rowShape, 2);
  FAILS(moe_call(bound, NULL, tensors, 2, NULL, 0), MOERT_INVALID_ARGUMENT,
        "scale: argument 'x': expected f32[T, 4], got f32[2, 5]");
  tensors[0] = tensorOf(x, three, 2);
  FAILS(moe_call(bound, NULL, tensors, 2, NULL, 0), MOERT_INVALID_ARGUMENT,
        "dimension 'T' is 3");
  tensors[0] = tensorOf(x, rowShape, 2);
  FAILS(moe_call(bound, NULL, tensors, 2, NULL, 0), MOERT_INVALID_ARGUMENT,
        "overlaps");
  tensors[0] = tensorOf((char *)x + 1, rowShape, 2);
  FAILS(moe_call(bound, NULL, tensors, 2, NULL, 0), MOERT_INVALID_ARGUMENT,
        "not aligned to 4 bytes");
  FAILS(moe_call(bound, NULL, tensors, 1, NULL, 0), MOERT_INVALID_ARGUMENT,
        "expected 2 tensors");
  FAILS(moe_call(bound, NULL, NULL, 2, NULL, 0), MOERT_INVALID_ARGUMENT,
        "null");
  OK(callScale(bound, NULL, NULL, 0));
  OK(moe_bound_destroy(bound));
  OK(moe_function_destroy(function));
  OK(moe_module_destroy(module));
  OK(moe_compiler_destroy(compiler));
  return NULL;
}
