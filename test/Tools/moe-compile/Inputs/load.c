/* Loads libraries and calls the function `twice` of each.
 *
 * usage: load LIB.so...   prints what happened, a line a library
 */
#include <moert/moert.h>

#include <stdio.h>
#include <string.h>

static MoertStatus callTwice(MoertContext *context, MoertLibrary *library,
                             float *result) {
  float a = 21;
  MoertTensor tensors[2];
  const MoertEntry *entry;
  MoertStatus status = moert_library_find(context, library, "twice", &entry);
  if (status)
    return status;
  tensors[0] = moert_tensor(&a, MOERT_F32, 0, NULL);
  tensors[1] = moert_tensor(result, MOERT_F32, 0, NULL);
  return moert_call(context, entry, tensors, 2, NULL, NULL, 0);
}

int main(int argc, char **argv) {
  MoertContext *context;
  if (moert_context_create(NULL, &context))
    return 2;
  for (int i = 1; i < argc; ++i) {
    MoertLibrary *library;
    float result = 0;
    MoertStatus status = moert_library_open(context, argv[i], &library);
    if (!status)
      status = callTwice(context, library, &result);
    if (status)
      printf("%s: %s\n", moert_status_name(status), moert_message(context));
    else
      printf("%s: %d entries, first '%s', twice 21 is %g\n", argv[i],
             (int)moert_library_size(library),
             moert_library_entry(library, 0)->name, result);
    moert_library_close(library);
  }
  moert_context_destroy(context);
  return 0;
}
