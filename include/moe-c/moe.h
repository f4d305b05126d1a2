/*===- moe.h - the compiler for C programs --------------------------------===*\
|* Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*===----------------------------------------------------------------------===*
|*
|* Compile a layer in memory, bind its weights once, call it often. Plain C99;
|* link libmoe and libmoert. Tensors, data types, descriptors of functions and
|* options of contexts are those of the runtime: moert/moert.h.
|*
|*   MoeCompiler *compiler;   MoeModule *module;
|*   MoeFunction *function;   MoeBound *layer;
|*   moe_compiler_create(NULL, &compiler);
|*   moe_compile_file(compiler, "layer.mlir", &module);
|*   moe_module_lookup(module, "main", &function);
|*   moe_bind(function, NULL, weights, n_weights, &layer);
|*   moe_call(layer, NULL, tensors, n_tensors, NULL, 0);
|*
|* Status. Each function returns a MoeStatus and never aborts, throws or prints.
|* What went wrong stands in moe_error_message() of the same thread. A function
|* that fails sets its results to null or zero.
|*
|* Handles. They are tickets, not addresses: null, a destroyed handle, one of
|* another type or any other number is MOE_INVALID_HANDLE, and the same is true
|* of destroying one twice. Each handle that a function returns is the caller's,
|* to be destroyed by the function of its type; in any order, from any thread,
|* for each keeps alive what it needs: a bound layer can be called when its
|* function, module and compiler are gone. What is in use while it is destroyed
|* lives until that call returns.
|*
|* Threads. All functions may be called from several threads at once, with the
|* same handles too. Only a context serves one call at a time; using one twice
|* at once is MOE_BUSY.
|*
|* Strings that come out are UTF-8, end in 0, and live as long as the handle
|* they were asked of; strings and arrays that go in are read during the call
|* only, unless it says otherwise.
|*
|* Versions. Within an API version functions and fields may be added, but none
|* is removed or changes its meaning. Structs begin with their size, so that an
|* older program passes a shorter one: missing fields count as 0.
|*
\*===----------------------------------------------------------------------===*/
#ifndef MOE_C_MOE_H
#define MOE_C_MOE_H

#include "moert/moert.h"

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

/* Changes with every incompatible change of this file. */
#define MOE_API_VERSION 1u

#if defined(_WIN32)
#define MOE_API
#else
#define MOE_API __attribute__((visibility("default")))
#endif

typedef struct MoeCompiler MoeCompiler; /* target, CPU, options */
typedef struct MoeModule MoeModule;     /* the functions of one source */
typedef struct MoeFunction MoeFunction; /* one of them */
typedef struct MoeBound MoeBound;       /* a function with its weights packed */
typedef struct MoeContext MoeContext;   /* threads and scratch of one call */
typedef struct MoeBuffer MoeBuffer;     /* bytes: IR, assembly, an object */

/* A MoertStatus (0 is success), or one of these. */
typedef int32_t MoeStatus;
enum {
  MOE_OK = MOERT_OK,
  MOE_INVALID_HANDLE = 100, /* null, destroyed, or of another type */
  MOE_BUSY = 101,           /* the context serves another call */
  MOE_NOT_FOUND = 102,      /* no such function */
  MOE_COMPILE_ERROR = 103   /* the source is wrong, or cannot be compiled */
};

/*===-- versions and errors -----------------------------------------------===*/

MOE_API uint32_t moe_api_version(void);
/* "0.1.0, LLVM 22.1.8" */
MOE_API const char *moe_version(void);
/* "invalid handle"; "?" if unknown. Of a MoertStatus too. */
MOE_API const char *moe_status_name(MoeStatus status);
/* What the last function that failed on this thread has to say, in one line
 * without a line end; of a compilation "FILE:LINE:COLUMN: MESSAGE". "" if none
 * has failed. Valid until the next call on this thread that fails. */
MOE_API const char *moe_error_message(void);
/* Handles that were created and not destroyed yet, of all types: to find
 * leaks. */
MOE_API uint64_t moe_live_handles(void);

/*===-- compilers ---------------------------------------------------------===*/

typedef enum MoeSeverity {
  MOE_NOTE = 0,
  MOE_REMARK = 1,
  MOE_WARNING = 2,
  MOE_ERROR = 3
} MoeSeverity;

/* What the compiler has to say of the source. Valid during the callback. */
typedef struct MoeDiagnostic MoeDiagnostic;
struct MoeDiagnostic {
  int32_t severity;     /* a MoeSeverity */
  uint32_t n_notes;     /* further places that explain it */
  const char *location; /* "FILE:LINE:COLUMN"; "" where it is not known */
  const char *message;
  const MoeDiagnostic *notes;
};

/* Called on the thread that compiles, from several at once if several do. */
typedef void (*MoeDiagnosticCallback)(void *user,
                                      const MoeDiagnostic *diagnostic);

typedef struct MoeCompilerOptions {
  uint32_t size;      /* sizeof(MoeCompilerOptions) */
  uint32_t reserved;  /* 0 */
  const char *target; /* null: "cpu". "reference": plain loops, the oracle */
  const char *cpu;    /* as LLVM names it; null: "native", this machine's */
  const char *from;   /* the stage that sources are in; null: "input" */
  /* Folder that keeps compiled code for the next process; it is created where
   * missing, and must be the user's own. Null: the environment variable
   * MOE_CACHE_DIR, if it is set; "": none. A folder that cannot be used is a
   * warning of each compilation, not an error. */
  const char *cache_dir;
  MoeDiagnosticCallback diagnostics; /* sees all of them; may be null */
  void *user;                        /* first argument of diagnostics */
} MoeCompilerOptions;

/* `options` may be null. MOERT_INVALID_ARGUMENT for a target, stage or CPU that
 * there is not. The callback, and what `user` points to, must live as long as
 * the compiler and compilations by it. */
MOE_API MoeStatus moe_compiler_create(const MoeCompilerOptions *options,
                                      MoeCompiler **compiler);
MOE_API MoeStatus moe_compiler_destroy(MoeCompiler *compiler);
/* The CPU's name, where the options say "native" too. */
MOE_API MoeStatus moe_compiler_cpu(const MoeCompiler *compiler,
                                   const char **cpu);

typedef struct MoeStatistics {
  uint32_t size; /* sizeof(MoeStatistics), set by the caller */
  uint32_t reserved;
  uint64_t compilations;   /* sources that went through the pipeline */
  uint64_t cache_hits;     /* sources whose code came from the cache */
  uint64_t cache_rejected; /* files of the cache that were not what they ought
                            * to be, and were compiled anew */
} MoeStatistics;

/* Counts of this compiler since it was created. */
MOE_API MoeStatus moe_compiler_statistics(const MoeCompiler *compiler,
                                          MoeStatistics *statistics);

/* Compiles `size` bytes of MLIR, text or bytecode, and loads the code into this
 * process. `name` stands for the file's in messages; may be null. */
MOE_API MoeStatus moe_compile(const MoeCompiler *compiler, const char *source,
                              size_t size, const char *name,
                              MoeModule **module);
/* The same for a file. */
MOE_API MoeStatus moe_compile_file(const MoeCompiler *compiler,
                                   const char *path, MoeModule **module);

/* What the compiler makes of a source, in memory. `what` is a stage ("input",
 * "kernels", "prepared", "buffers", "loops", "llvm": MLIR as text), "llvm-ir"
 * (optimised), "assembly", or "object" (ELF, position-independent, exports
 * moert_entry_NAME). */
MOE_API MoeStatus moe_emit(const MoeCompiler *compiler, const char *source,
                           size_t size, const char *name, const char *what,
                           MoeBuffer **buffer);
/* Loads an object of moe_emit. MOERT_WRONG_CPU if this machine cannot run code
 * for the compiler's CPU. The object is trusted: its code runs. */
MOE_API MoeStatus moe_load_object(const MoeCompiler *compiler,
                                  const void *object, size_t size,
                                  MoeModule **module);

/* The bytes of a buffer, and a 0 behind them; valid until it is destroyed. */
MOE_API MoeStatus moe_buffer_get(const MoeBuffer *buffer, const char **data,
                                 size_t *size);
MOE_API MoeStatus moe_buffer_destroy(MoeBuffer *buffer);

/*===-- modules and functions ---------------------------------------------===*/

typedef struct MoeTimes {
  uint32_t size;                      /* sizeof(MoeTimes), set by the caller */
  uint32_t from_cache;                /* 1: the code comes from the cache */
  double parse, lower, codegen, link; /* seconds */
} MoeTimes;

MOE_API MoeStatus moe_module_destroy(MoeModule *module);
/* How long its compilation took. */
MOE_API MoeStatus moe_module_times(const MoeModule *module, MoeTimes *times);
MOE_API MoeStatus moe_module_size(const MoeModule *module, size_t *functions);
/* Function number `index`, in the order of the source. */
MOE_API MoeStatus moe_module_function(const MoeModule *module, size_t index,
                                      MoeFunction **function);
/* The function of that name, else MOE_NOT_FOUND. A null name stands for the
 * only function of a module. */
MOE_API MoeStatus moe_module_lookup(const MoeModule *module, const char *name,
                                    MoeFunction **function);

MOE_API MoeStatus moe_function_destroy(MoeFunction *function);
/* Its descriptor: arguments and results with names, roles, data types, sizes
 * and named dimensions. Valid as long as the handle, or a layer bound by it. */
MOE_API MoeStatus moe_function_entry(const MoeFunction *function,
                                     const MoertEntry **entry);
/* "main(x: f32[T, 64], w: weight f32[64, 8]) -> (y: f32[T, 8])" */
MOE_API MoeStatus moe_function_signature(const MoeFunction *function,
                                         const char **signature);
/* Unifies the named dimensions of `n` tensors, whose data may be null, into
 * symbols[0 .. entry->n_symbols): of the inputs and then the results, or of the
 * inputs alone, which leaves -1 where only a result has that dimension. */
MOE_API MoeStatus moe_function_symbols(const MoeFunction *function,
                                       const MoertTensor *tensors, size_t n,
                                       int64_t *symbols);
/* Bytes of workspace that a call with these symbols needs. */
MOE_API MoeStatus moe_function_workspace(const MoeFunction *function,
                                         const int64_t *symbols,
                                         uint64_t *bytes);

/*===-- contexts ----------------------------------------------------------===*/

/* Threads as in MoertContextOptions: the library's own, or the host's
 * parallel_for. `options` may be null: as many as the machine allows. */
MOE_API MoeStatus moe_context_create(const MoertContextOptions *options,
                                     MoeContext **context);
MOE_API MoeStatus moe_context_destroy(MoeContext *context);
MOE_API MoeStatus moe_context_threads(const MoeContext *context,
                                      uint32_t *threads);

/*===-- binding and calling -----------------------------------------------===*/
/* Where a function takes a context, null is one that the library keeps. */

/* Packs the weights: tensors in the order of the weight arguments, which may be
 * freed afterwards. */
MOE_API MoeStatus moe_bind(const MoeFunction *function, MoeContext *context,
                           const MoertTensor *weights, size_t n,
                           MoeBound **bound);
/* Takes weights that were packed before: `size` bytes as moe_bound_blob
 * returned them for the same function and CPU, else MOERT_WRONG_BLOB. They are
 * not copied: MOERT_ALIGNMENT-aligned (a mapped file is), there and unchanged
 * until the handle is destroyed and no call on it is left. */
MOE_API MoeStatus moe_bind_blob(const MoeFunction *function, const void *blob,
                                uint64_t size, MoeBound **bound);
MOE_API MoeStatus moe_bound_destroy(MoeBound *bound);
/* As moe_function_entry. */
MOE_API MoeStatus moe_bound_entry(const MoeBound *bound,
                                  const MoertEntry **entry);
/* The packed weights, for instance to be kept in a file. Valid as long as the
 * handle. */
MOE_API MoeStatus moe_bound_blob(const MoeBound *bound, const void **blob,
                                 uint64_t *size);
/* Checks everything and runs. `tensors` are the inputs (arguments that are not
 * weights, in order), then the results, which the caller owns and which overlap
 * nothing else. `workspace` may be null: then it is the context's own;
 * otherwise MOERT_ALIGNMENT-aligned and as large as moe_function_workspace
 * says. */
MOE_API MoeStatus moe_call(const MoeBound *bound, MoeContext *context,
                           const MoertTensor *tensors, size_t n,
                           void *workspace, uint64_t workspace_bytes);

#if defined(__cplusplus)
} /* extern "C" */
#endif

#endif /* MOE_C_MOE_H */
