/* Compiles a layer in memory, binds its weights once, calls it.
 *
 *   layer-c FILE.mlir [TOKENS]
 *
 * Weights and inputs are made up, f32 only; everything else is what a server
 * would do with its own. */
#include "moe-c/moe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGS 64

/* Ends the program with the library's message unless `call` succeeds. */
#define CHECK(call)                                                            \
  do {                                                                         \
    if ((call) != MOE_OK) {                                                    \
      fprintf(stderr, "%s\n", moe_error_message());                            \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

static void report(void *user, const MoeDiagnostic *diagnostic) {
  (void)user;
  if (diagnostic->severity >= MOE_WARNING)
    fprintf(stderr, "%s: %s\n", diagnostic->location, diagnostic->message);
}

/* The sizes of `arg`; those of named dimensions are in `symbols`. */
static void shape_of(const MoertEntry *entry, const MoertArg *arg,
                     const int64_t *symbols, int64_t *shape) {
  int i;
  for (i = 0; i < arg->rank; ++i)
    shape[i] =
        arg->dims[i] < 0 ? symbols[~arg->dims[i]] : entry->sizes[arg->dims[i]];
}

/* A tensor of that shape, which must outlive it: inputs and weights with
 * numbers around 0. */
static MoertTensor make_tensor(const MoertArg *arg, const int64_t *shape) {
  MoertTensor tensor;
  size_t count = 1, i;
  memset(&tensor, 0, sizeof tensor);
  for (i = 0; i < arg->rank; ++i)
    count *= (size_t)shape[i];
  tensor.data = calloc(count + 1, moert_dtype_bytes(arg->dtype));
  tensor.shape = shape;
  tensor.dtype = arg->dtype;
  tensor.rank = arg->rank;
  if (!tensor.data || (arg->role != MOERT_OUTPUT && arg->dtype != MOERT_F32)) {
    fprintf(stderr, "%s: no memory, or not f32\n", arg->name);
    exit(1);
  }
  for (i = 0; arg->role != MOERT_OUTPUT && i < count; ++i)
    ((float *)tensor.data)[i] = (float)sin((double)i * 12.9898) * 0.1f;
  return tensor;
}

int main(int argc, char **argv) {
  static int64_t shapes[MAX_ARGS][MOERT_MAX_RANK];
  MoertTensor weights[MAX_ARGS], tensors[MAX_ARGS];
  int64_t symbols[MAX_ARGS];
  size_t n_weights = 0, n_inputs = 0, n = 0, i;
  const MoertEntry *entry;
  const char *signature;
  const float *result;
  int tokens = argc > 2 ? atoi(argv[2]) : 3;

  if (argc < 2) {
    fprintf(stderr, "usage: %s FILE.mlir [TOKENS]\n", argv[0]);
    return 2;
  }

  /* A compiler may be kept; it compiles any number of modules. */
  MoeCompilerOptions options = {0};
  options.size = sizeof options;
  options.diagnostics = report;
  MoeCompiler *compiler;
  CHECK(moe_compiler_create(&options, &compiler));

  MoeModule *module;
  CHECK(moe_compile_file(compiler, argv[1], &module));
  MoeFunction *function;
  CHECK(moe_module_function(module, 0, &function));
  CHECK(moe_function_signature(function, &signature));
  printf("%s\n", signature);

  /* What it takes, and what it returns. */
  CHECK(moe_function_entry(function, &entry));
  if (entry->n_args > MAX_ARGS || entry->n_symbols > MAX_ARGS)
    return 1;
  for (i = 0; i < entry->n_symbols; ++i)
    symbols[i] = tokens;
  for (i = 0; i < entry->n_args; ++i) {
    const MoertArg *arg = &entry->args[i];
    shape_of(entry, arg, symbols, shapes[i]);
    if (arg->role == MOERT_WEIGHT)
      weights[n_weights++] = make_tensor(arg, shapes[i]);
    else
      tensors[n++] = make_tensor(arg, shapes[i]); /* inputs, then results */
    n_inputs += arg->role == MOERT_INPUT;
  }

  MoeBound *layer;
  CHECK(moe_bind(function, NULL, weights, n_weights, &layer));
  for (i = 0; i < n_weights; ++i)
    free(weights[i].data); /* packed: no longer needed */

  /* The bound layer keeps what it needs. */
  CHECK(moe_function_destroy(function));
  CHECK(moe_module_destroy(module));
  CHECK(moe_compiler_destroy(compiler));

  CHECK(moe_call(layer, NULL, tensors, n, NULL, 0));
  result = tensors[n_inputs].data;
  if (tokens > 0)
    printf("the first result starts with %g\n", result[0]);

  CHECK(moe_bound_destroy(layer));
  for (i = 0; i < n; ++i)
    free(tensors[i].data);
  return moe_live_handles() != 0;
}
