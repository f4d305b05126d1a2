/* Calls functions that are linked into the program, by the header of their
 * layer. */
#include LAYER

#include <stdio.h>
#include <stdlib.h>

int main(void) {
  MoertContext *context;
  float w[4] = {1, 10, 100, 1000}, x[8] = {0, 1, 2, 3, 4, 5, 6, 7}, y[8];
  float b;
  void *packed = aligned_alloc(MOERT_ALIGNMENT,
                               (moe_scale_packed_bytes + MOERT_ALIGNMENT - 1) /
                                   MOERT_ALIGNMENT * MOERT_ALIGNMENT);
  if (!packed || moert_context_create(NULL, &context))
    return 2;
  if (moe_scale_prepare(context, w, packed) ||
      moe_scale_call(context, packed, 2, x, y) ||
      moe_twice_call(context, 21, &b)) {
    printf("%s\n", moert_message(context));
    return 1;
  }
  for (int i = 0; i < 8; ++i)
    printf("%g ", y[i]);
  printf("%g\n", b);
  if (moe_scale_call(context, packed, -1, x, y))
    printf("%s\n", moert_message(context));
  printf("%d %d %d %d\n", moe_scale_weight_w, moe_scale_input_x,
         moe_scale_result_y, moe_scale_tensors);
  moert_context_destroy(context);
  free(packed);
  return 0;
}
