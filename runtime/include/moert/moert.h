/*===- moert.h - the runtime's application binary interface
----------------===*\
|* Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*===----------------------------------------------------------------------===*
|*
|* What a host program and compiled code agree on. Plain C99, no LLVM.
|*
|* A compiled function is an *entry*: one exported `MoertEntry` descriptor named
|* moert_entry_NAME. A host binds the weights once (moert_prepare), then calls
|* as often as it likes (moert_call); checking arguments is this library's work,
|* not that of generated code. Nothing here aborts, throws or prints: each
|* function returns a MoertStatus, and the context holds the message.
|*
\*===----------------------------------------------------------------------===*/
#ifndef MOERT_MOERT_H
#define MOERT_MOERT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

/* Changes with every incompatible change of this file. */
#define MOERT_ABI_VERSION 1u
/* Alignment, in bytes, of packed blobs and of workspaces. */
#define MOERT_ALIGNMENT 64u
#define MOERT_MAX_RANK 8u
/* Most threads of one context, the calling one included. */
#define MOERT_MAX_THREADS 1024u

#if defined(_WIN32)
#define MOERT_API
#else
#define MOERT_API __attribute__((visibility("default")))
#endif

typedef enum MoertStatus {
  MOERT_OK = 0,
  MOERT_INVALID_ARGUMENT = 1, /* null handle, wrong count, dtype, rank, shape */
  MOERT_WRONG_ABI = 2,        /* entry of another MOERT_ABI_VERSION */
  MOERT_WRONG_CPU = 3,        /* entry needs CPU features this machine lacks */
  MOERT_WRONG_BLOB = 4,       /* packed weights of another entry, or damaged */
  MOERT_OUT_OF_MEMORY = 5,
  MOERT_INDEX_OUT_OF_RANGE = 6, /* an index operand points outside its range */
  MOERT_TOO_LARGE = 7,          /* a dimension or T*K does not fit */
  MOERT_INTERNAL = 8
} MoertStatus;

typedef enum MoertDType {
  MOERT_F64 = 1,
  MOERT_F32 = 2,
  MOERT_F16 = 3,
  MOERT_BF16 = 4,
  MOERT_I64 = 5, /* also `index` */
  MOERT_I32 = 6,
  MOERT_I16 = 7,
  MOERT_I8 = 8,
  MOERT_U8 = 9,
  MOERT_I1 = 10,    /* one byte an element, 0 or 1 */
  MOERT_F8E8M0 = 11 /* one byte: a power of two, exponent bias 127 */
} MoertDType;

typedef enum MoertRole {
  MOERT_INPUT = 0,
  MOERT_WEIGHT = 1,
  MOERT_OUTPUT = 2
} MoertRole;

typedef struct MoertContext MoertContext;

/* One argument or result. dims[i] >= 0: index into MoertEntry.sizes;
 * dims[i] < 0: symbol number ~dims[i]. Scalars have rank 0. */
typedef struct MoertArg {
  const char *name; /* moe.name, else "argumentN" or "resultN"; never null */
  uint8_t role, dtype, rank, reserved;
  const int32_t *dims;
} MoertArg;

/* Emitted by moe-emit-entry, one for each public function. Arguments stand in
 * source order (inputs and weights mixed), then the results. */
typedef struct MoertEntry {
  uint32_t abi, size; /* MOERT_ABI_VERSION, sizeof(MoertEntry) */
  const char *name, *target;
  uint64_t cpu_features; /* MOERT_CPU_* bits that the code needs */
  uint32_t n_args, n_symbols;
  const MoertArg *args;
  const int64_t *sizes;
  const char *const *symbols;
  uint64_t packed_bytes; /* payload of the blob, without its header */
  uint64_t packed_hash;  /* of layout, dtypes and target */
  /* weights in the order of the weight arguments; returns a MoertStatus. */
  int32_t (*prepare)(MoertContext *, const void *const *weights, void *packed);
  /* Bytes of workspace for these symbols; -1: a size does not fit. */
  int64_t (*workspace_bytes)(const int64_t *symbols);
  int32_t (*run)(MoertContext *, const void *const *inputs,
                 void *const *outputs, const int64_t *symbols,
                 const void *packed, void *workspace);
} MoertEntry;

#define MOERT_CPU_AVX2 (1ull << 0)
#define MOERT_CPU_FMA (1ull << 1)
#define MOERT_CPU_F16C (1ull << 2)
#define MOERT_CPU_AVX512F (1ull << 3)
#define MOERT_CPU_AVX512BW (1ull << 4)
#define MOERT_CPU_AVX512VL (1ull << 5)
#define MOERT_CPU_AVX512DQ (1ull << 6)
#define MOERT_CPU_AVX512BF16 (1ull << 7)
#define MOERT_CPU_AVX512VNNI (1ull << 8)
#define MOERT_CPU_AVX512FP16 (1ull << 9)
#define MOERT_CPU_AVX512CD (1ull << 10)
#define MOERT_CPU_BMI2 (1ull << 11)
#define MOERT_CPU_SSE3 (1ull << 12)
#define MOERT_CPU_SSSE3 (1ull << 13)
#define MOERT_CPU_SSE41 (1ull << 14)
#define MOERT_CPU_SSE42 (1ull << 15)
#define MOERT_CPU_POPCNT (1ull << 16)
#define MOERT_CPU_MOVBE (1ull << 17)
#define MOERT_CPU_LZCNT (1ull << 18)
#define MOERT_CPU_BMI (1ull << 19)
#define MOERT_CPU_AVX (1ull << 20)
#define MOERT_CPU_AVXVNNI (1ull << 21)
#define MOERT_CPU_GFNI (1ull << 22)
#define MOERT_CPU_AVX512IFMA (1ull << 23)
#define MOERT_CPU_AVX512VBMI (1ull << 24)
#define MOERT_CPU_AVX512VBMI2 (1ull << 25)
#define MOERT_CPU_AVX512BITALG (1ull << 26)
#define MOERT_CPU_AVX512VPOPCNTDQ (1ull << 27)

/* A host tensor: dense row-major, `shape` has `rank` sizes (null for rank 0).
 * Fill `reserved` with zeros. */
typedef struct MoertTensor {
  void *data; /* aligned to an element; may be null when there is none */
  const int64_t *shape;
  uint8_t dtype, rank, reserved[6];
} MoertTensor;

/* The tensor at `data`, which is written to where it is a result; `shape` must
 * outlive it. */
static inline MoertTensor moert_tensor(const void *data, uint8_t dtype,
                                       uint8_t rank, const int64_t *shape) {
  MoertTensor tensor = {NULL, shape, dtype, rank, {0, 0, 0, 0, 0, 0}};
#if defined(__cplusplus)
  tensor.data = const_cast<void *>(data);
#else
  tensor.data = (void *)(uintptr_t)data;
#endif
  return tensor;
}

/*===-- contexts ----------------------------------------------------------===*/

/* A host's own parallel loop: runs task(arg, i) once for each i in [0, n), in
 * any order, on any threads, and returns when all are done. It must not throw.
 * The call fails if it has run another number of tasks; one that it runs after
 * it has returned does nothing. */
typedef void (*MoertTask)(void *arg, int64_t index);
typedef void (*MoertParallelFor)(void *user, int64_t n, MoertTask task,
                                 void *arg);

typedef struct MoertContextOptions {
  uint32_t size; /* sizeof(MoertContextOptions); anything else is refused */
  /* 0: as many as the calling thread's affinity mask and the cgroup's CPU limit
   * allow. More than MOERT_MAX_THREADS counts as MOERT_MAX_THREADS. */
  uint32_t threads;
  MoertParallelFor parallel_for; /* null: the library's own pool */
  void *user;                    /* first argument of parallel_for */
  void *stream;                  /* GPU stream; null on a CPU */
} MoertContextOptions;

/* One context serves one call at a time; contexts are independent of each
 * other and share the process-wide pool: a context that finds it taken by the
 * run of another runs its phases on the calling thread alone. Results do not
 * depend on it. `options` may be null. On failure *context is null.
 *
 * The pool survives fork(): a child starts its own threads when it needs them
 * (but a task itself must not fork, other than to exec). */
MOERT_API MoertStatus moert_context_create(const MoertContextOptions *options,
                                           MoertContext **context);
MOERT_API void moert_context_destroy(MoertContext *context); /* null is fine */
/* Message of the last call on this context, one line without a line end:
 *   mixtral: argument 'x': expected f32[T, 64], got f32[37, 63]
 * "" if that call did not fail. Valid until the next call on the context. */
MOERT_API const char *moert_message(const MoertContext *context);
/* Threads that a parallel phase uses at most, the calling one included. */
MOERT_API uint32_t moert_threads(const MoertContext *context);

/*===-- entries -----------------------------------------------------------===*/

MOERT_API uint32_t moert_abi_version(void);
/* MOERT_CPU_* bits of this machine. */
MOERT_API uint64_t moert_cpu_features(void);
/* Of a MoertStatus: "out of memory"; "?" if unknown. */
MOERT_API const char *moert_status_name(int32_t status);
/* Of a MoertDType: bytes of one element, 0 if unknown; "f32", "?" if unknown.
 */
MOERT_API size_t moert_dtype_bytes(int32_t dtype);
MOERT_API const char *moert_dtype_name(int32_t dtype);

/* ABI, CPU features, and that the descriptor is well-formed. */
MOERT_API MoertStatus moert_check_entry(MoertContext *context,
                                        const MoertEntry *entry);
/* Bytes to allocate for the blob: header and payload (at least the header);
 * 0 for null, UINT64_MAX for a descriptor whose sum does not fit. */
MOERT_API uint64_t moert_packed_bytes(const MoertEntry *entry);
/* Checks `n` weight tensors (in the order of the weight arguments) and writes
 * the blob: moert_packed_bytes(entry) bytes, MOERT_ALIGNMENT-aligned. The
 * weights may be freed afterwards, and the blob may be copied, or kept in a
 * file for the same entry. A failure leaves a blob that moert_call refuses. */
MOERT_API MoertStatus moert_prepare(MoertContext *context,
                                    const MoertEntry *entry,
                                    const MoertTensor *weights, size_t n,
                                    void *packed);
/* Checks that `packed` is the whole blob, `bytes` long, of this entry, so that
 * moert_call will take it: for blobs out of a file. */
MOERT_API MoertStatus moert_check_packed(MoertContext *context,
                                         const MoertEntry *entry,
                                         const void *packed, uint64_t bytes);
/* Unifies the named dimensions of `n` tensors (inputs, then outputs, in the
 * entry's order without the weights) into symbols[0 .. n_symbols). Looks at
 * dtypes and shapes only: `data` may be null, for instance to size a workspace.
 * `n` may also be the number of inputs alone, which leaves -1 where only an
 * output has that dimension: for instance to allocate the outputs. */
MOERT_API MoertStatus moert_bind_symbols(MoertContext *context,
                                         const MoertEntry *entry,
                                         const MoertTensor *tensors, size_t n,
                                         int64_t *symbols);
/* Bytes of workspace a call with these symbols needs. */
MOERT_API MoertStatus moert_workspace_bytes(MoertContext *context,
                                            const MoertEntry *entry,
                                            const int64_t *symbols,
                                            uint64_t *bytes);
/* Checks everything and runs. `tensors` as for moert_bind_symbols; outputs must
 * not overlap anything else. `packed` may be null for an entry without weights
 * and packed bytes. `workspace` may be null: the context then keeps one of its
 * own, which grows to the largest call. After a failed run (indices out of
 * range) the outputs hold what the run wrote, a bad index taken as -1. */
MOERT_API MoertStatus moert_call(MoertContext *context, const MoertEntry *entry,
                                 const MoertTensor *tensors, size_t n,
                                 const void *packed, void *workspace,
                                 uint64_t workspace_bytes);

/*===-- libraries ---------------------------------------------------------===*/

/* A library that moe-compile wrote, in this process. (A program may also link
 * it: then moert_entry_NAME is a variable of the program.) */
typedef struct MoertLibrary MoertLibrary;

/* Loads the file `path`, once it is known to be whole and for this kind of
 * machine, and checks all of its entries as moert_check_entry does. It is code:
 * load only what you would run. On failure *library is null. */
MOERT_API MoertStatus moert_library_open(MoertContext *context,
                                         const char *path,
                                         MoertLibrary **library);
/* Its entries and what they point to are gone afterwards; null is fine. */
MOERT_API void moert_library_close(MoertLibrary *library);
/* The number of entries, and each of them; null beyond the last one. */
MOERT_API size_t moert_library_size(const MoertLibrary *library);
MOERT_API const MoertEntry *moert_library_entry(const MoertLibrary *library,
                                                size_t i);
/* The entry of that name. On failure *entry is null, and the message says which
 * names there are. */
MOERT_API MoertStatus moert_library_find(MoertContext *context,
                                         const MoertLibrary *library,
                                         const char *name,
                                         const MoertEntry **entry);

/*===-- called by generated code ------------------------------------------===*/
/* Changes here must be made in the lowering named beside each function. */

/* First and last call of a run (moe-emit-entry). From its first parallel region
 * on the workers spin (yielding, and not for ever); some 50 us after the last
 * run they sleep. In a
 * run, denormals are kept and rounding is to nearest on all of its threads.
 * moert_leave returns the status of the run. */
MOERT_API void moert_enter(MoertContext *context);
MOERT_API int32_t moert_leave(MoertContext *context);
/* Runs body(args, i) for i in [0, n) on the context's threads
 * (moe-outline-parallel). No order is promised. A call from within a body runs
 * in its own thread. */
MOERT_API void moert_parallel_for(MoertContext *context, int64_t n,
                                  void (*body)(void *args, int64_t index),
                                  void *args);
/* Records an error; the first of a run wins (moe-lower-checks). `what` is a
 * static string. */
MOERT_API void moert_fail(MoertContext *context, int32_t status,
                          const char *what, int64_t got, int64_t limit);
/* Records MOERT_INDEX_OUT_OF_RANGE unless lower <= values[i] < upper for all i
 * (moe-lower-checks). */
MOERT_API void moert_check_indices(MoertContext *context, const int32_t *values,
                                   int64_t n, int64_t lower, int64_t upper,
                                   const char *what);
/* Records MOERT_INDEX_OUT_OF_RANGE unless 0 = values[0] <= values[1] <= ... <=
 * values[n-1] <= rows (moe-lower-checks). */
MOERT_API void moert_check_offsets(MoertContext *context, const int32_t *values,
                                   int64_t n, int64_t rows, const char *what);

/* Scratch memory of a prepare: at least `bytes`, MOERT_ALIGNMENT-aligned, the
 * context's own and valid until its next call. Records MOERT_OUT_OF_MEMORY and
 * returns null if there is none (moe-emit-entry). */
MOERT_API void *moert_scratch(MoertContext *context, int64_t bytes);

/* Gives each of `n` rows of scores[n, experts] one expert: member[i] in [0,
 * experts), expert e taken capacity[e] times (moe.assign, by way of moek.call).
 *   exact = 0: walks all scores from the greatest down and gives row i to
 * expert e where i is free and e has room. Ties: the lower flat index i *
 * experts + e. NaN stands below -inf, at its flat index. O(n experts log(n
 * experts)) time. exact = 1: the greatest total score (sums in f64). As few
 * NaN, then as few -inf, then as many +inf as possible come first. The same
 * input gives the same members. Some O(n experts^2) time, experts^2 + n memory.
 * Records MOERT_INVALID_ARGUMENT for a negative capacity or capacities that do
 * not sum to n, MOERT_TOO_LARGE, or MOERT_OUT_OF_MEMORY; every member is then
 * -1. */
MOERT_API void moert_assign(MoertContext *context, const float *scores,
                            const int32_t *capacity, int32_t *member, int64_t n,
                            int64_t experts, int32_t exact);
MOERT_API void moert_assign_f64(MoertContext *context, const double *scores,
                                const int32_t *capacity, int32_t *member,
                                int64_t n, int64_t experts, int32_t exact);

/* Conversions that a CPU may have no instruction for (code generation calls
 * them by their names in C compilers' libraries, Codegen renames them). They
 * are passed where a float is: a number of 16 bits is its lower half. */
MOERT_API float moert_truncsfhf2(float value);
MOERT_API float moert_truncdfhf2(double value);
MOERT_API float moert_truncsfbf2(float value);
MOERT_API float moert_truncdfbf2(double value);
MOERT_API float moert_extendhfsf2(float value);

#if defined(__cplusplus)
} /* extern "C" */
static_assert(sizeof(MoertArg) == 24, "MoertArg is part of the ABI");
static_assert(sizeof(MoertEntry) == 104, "MoertEntry is part of the ABI");
static_assert(sizeof(MoertTensor) == 24, "MoertTensor is part of the ABI");
static_assert(sizeof(MoertContextOptions) == 32,
              "MoertContextOptions is part of the ABI");
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(MoertArg) == 24, "MoertArg is part of the ABI");
_Static_assert(sizeof(MoertEntry) == 104, "MoertEntry is part of the ABI");
_Static_assert(sizeof(MoertTensor) == 24, "MoertTensor is part of the ABI");
_Static_assert(sizeof(MoertContextOptions) == 32,
               "MoertContextOptions is part of the ABI");
#endif

#endif /* MOERT_MOERT_H */
