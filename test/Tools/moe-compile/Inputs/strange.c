/* A library with a descriptor that this runtime does not understand: ABI, or
 * SIZE, or another field is not what it should be. */
#include <moert/moert.h>

#ifndef ABI
#define ABI MOERT_ABI_VERSION
#endif
#ifndef SIZE
#define SIZE sizeof(MoertEntry)
#endif
#ifdef FEATURES
static int64_t workspaceBytes(const int64_t *symbols) { return !symbols; }
static int32_t run(MoertContext *context, const void *const *inputs,
                   void *const *outputs, const int64_t *symbols,
                   const void *packed, void *workspace) {
  return !context + !inputs + !outputs + !symbols + !packed + !workspace;
}
#else
#define FEATURES 0
#define workspaceBytes NULL
#define run NULL
#endif

extern const MoertEntry moert_entry_twice;
const MoertEntry moert_entry_twice = {
    ABI,  SIZE, "twice", "cpu", FEATURES,       0,  0, NULL, NULL,
    NULL, 0,    0,       NULL,  workspaceBytes, run};
