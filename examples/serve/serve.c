/*===- serve.c - a server of a layer that was compiled ahead of time ------===*\
|* Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*===----------------------------------------------------------------------===*|
|*
|* usage: serve WEIGHTS.safetensors EXPECTED.safetensors [THREADS [REQUESTS]]
|*
|* Binds the layer's weights once and answers requests, batches of a few tokens
|* each, from several threads. WEIGHTS also has tokens `x` to ask for, EXPECTED
|* their results `y` in f64: each answer is checked.
|*
|* What a program of your own takes from here:
|*   bindWeights   weights by their names, packed once, shared by all threads
|*   worker        one context a thread; calls need nothing else of their own
|*
\*===----------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L

#include "mixtral.h" /* moe-compile mixtral.mlir -o mixtral.o --header=mixtral.h */
#include "safetensors.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WIDTH = 64, MAX_BATCH = 16, MAX_THREADS = 256 };

typedef struct Server {
  /* read by all threads */
  const void *packed;
  const float *x;
  const double *y;
  int64_t tokens;
  int64_t requests;
  double *seconds; /* of each request */
  /* guarded by `mutex` */
  pthread_mutex_t mutex;
  int64_t next, served, rows, wrong;
  double worst; /* greatest error, relative to its row's root mean square */
  char problem[1024];
} Server;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/*===-- weights -----------------------------------------------------------===*/

/* The blob of packed weights, or null after a message. The file may be closed
 * afterwards. */
static void *bindWeights(MoertContext *context, const MoertEntry *entry,
                         const Safetensors *file) {
  MoertTensor weights[moe_mixtral_weights];
  void *packed = NULL;
  size_t n = 0;
  uint32_t i;
  for (i = 0; i < entry->n_args; ++i) {
    const SafeTensor *found;
    if (entry->args[i].role != MOERT_WEIGHT)
      continue;
    found = safetensors_find(file, entry->args[i].name);
    if (!found) {
      fprintf(stderr, "serve: the weights have no tensor '%s'\n",
              entry->args[i].name);
      return NULL;
    }
    weights[n++] = found->tensor;
  }
  if (posix_memalign(&packed, MOERT_ALIGNMENT, moert_packed_bytes(entry))) {
    fprintf(stderr, "serve: no memory for the packed weights\n");
    return NULL;
  }
  /* Types and shapes are checked here. */
  if (moert_prepare(context, entry, weights, n, packed)) {
    fprintf(stderr, "serve: %s\n", moert_message(context));
    free(packed);
    return NULL;
  }
  return packed;
}

/*===-- requests ----------------------------------------------------------===*/

/* The greatest error of `rows` rows, each relative to its root mean square. */
static double errorOf(const float *got, const double *want, int64_t rows) {
  double worst = 0;
  int64_t row, i;
  for (row = 0; row < rows; ++row) {
    double sum = 0, error = 0;
    for (i = 0; i < WIDTH; ++i) {
      double e = fabs(got[row * WIDTH + i] - want[row * WIDTH + i]);
      if (!(e <= error)) /* NaN, too */
        error = e;
      sum += want[row * WIDTH + i] * want[row * WIDTH + i];
    }
    error /= sqrt(sum / WIDTH);
    if (!(error <= worst))
      worst = error;
  }
  return worst;
}

/* A request: `batch` tokens from `first` on. Here they follow from its number;
 * elsewhere they come over the network. */
static void receive(const Server *server, int64_t request, int64_t *first,
                    int64_t *batch) {
  uint64_t random =
      (uint64_t)request * 6364136223846793005u + 1442695040888963407u;
  random ^= random >> 33;
  *batch = 1 + (int64_t)(random % MAX_BATCH);
  if (*batch > server->tokens)
    *batch = server->tokens;
  *first = (int64_t)((random >> 8) % (uint64_t)(server->tokens - *batch + 1));
}

/* Serves requests until there are no more. */
static void *worker(void *argument) {
  Server *server = (Server *)argument;
  float y[MAX_BATCH * WIDTH];
  /* Many requests at a time: each runs on the thread that it came to. For few
   * and large ones, give a context more threads (0: all there are). */
  MoertContextOptions options = {sizeof options, 1, NULL, NULL, NULL};
  MoertContext *context;
  MoertStatus status = moert_context_create(&options, &context);
  pthread_mutex_lock(&server->mutex);
  if (status)
    snprintf(server->problem, sizeof server->problem, "no context: %s",
             moert_status_name(status));
  while (!server->problem[0] && server->next < server->requests) {
    int64_t request = server->next++, first, batch;
    double error, start;
    pthread_mutex_unlock(&server->mutex);

    receive(server, request, &first, &batch);
    start = now();
    status = moe_mixtral_call(context, server->packed, batch,
                              server->x + first * WIDTH, y);
    server->seconds[request] = now() - start;
    error = status ? 0 : errorOf(y, server->y + first * WIDTH, batch);

    pthread_mutex_lock(&server->mutex);
    if (status)
      snprintf(server->problem, sizeof server->problem, "%s",
               moert_message(context));
    ++server->served;
    server->rows += batch;
    server->wrong += !(error <= 2e-5);
    if (!(error <= server->worst))
      server->worst = error;
  }
  pthread_mutex_unlock(&server->mutex);
  moert_context_destroy(context);
  return NULL;
}

/*===-- the program -------------------------------------------------------===*/

static int compareSeconds(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void report(Server *server, int threads, double seconds) {
  double *times = server->seconds;
  int64_t n = server->requests;
  qsort(times, (size_t)n, sizeof *times, compareSeconds);
  printf("%lld requests, %lld tokens, %d threads: %.0f requests/s, %.0f "
         "tokens/s\n",
         (long long)n, (long long)server->rows, threads, (double)n / seconds,
         (double)server->rows / seconds);
  printf("latency: median %.3f ms, 90 %% %.3f ms, 99 %% %.3f ms, max %.3f ms\n",
         1e3 * times[n / 2], 1e3 * times[n * 9 / 10], 1e3 * times[n * 99 / 100],
         1e3 * times[n - 1]);
  printf("%lld of %lld requests agree, greatest error %.1e of a row's rms\n",
         (long long)(n - server->wrong), (long long)n, server->worst);
}

/* Serves all requests with `threads` threads. Returns the exit status. */
static int serve(Server *server, int threads) {
  pthread_t handles[MAX_THREADS];
  int started = 0;
  double start = now();
  while (started < threads &&
         !pthread_create(&handles[started], NULL, worker, server))
    ++started;
  if (!started) {
    fprintf(stderr, "serve: cannot start a thread\n");
    return 1;
  }
  threads = started;
  while (started)
    pthread_join(handles[--started], NULL);
  if (server->problem[0]) {
    fprintf(stderr, "serve: %s\n", server->problem);
    return 1;
  }
  report(server, threads, now() - start);
  return server->wrong != 0;
}

/* The tensor `name` of f32 or f64[tokens, WIDTH]; null after a message. */
static const MoertTensor *findTokens(const Safetensors *file, const char *path,
                                     const char *name, MoertDType dtype) {
  const SafeTensor *found = safetensors_find(file, name);
  if (found && found->tensor.dtype == dtype && found->tensor.rank == 2 &&
      found->shape[0] > 0 && found->shape[1] == WIDTH)
    return &found->tensor;
  fprintf(stderr, "serve: %s: no tensor '%s' of %s[tokens, %d]\n", path, name,
          moert_dtype_name(dtype), WIDTH);
  return NULL;
}

/* A number from 1 to `most`; 0 if `text` is none. */
static long parseNumber(const char *text, long most) {
  char *end;
  long number = strtol(text, &end, 10);
  return *text && !*end && number >= 1 && number <= most ? number : 0;
}

/* Serves with what the files have. Returns the exit status. */
static int run(Server *server, const Safetensors *weights,
               const Safetensors *expected, char **paths, int threads) {
  const MoertTensor *x = findTokens(weights, paths[0], "x", MOERT_F32);
  const MoertTensor *y =
      x ? findTokens(expected, paths[1], "y", MOERT_F64) : NULL;
  MoertContext *context;
  void *packed;
  int status = 1;
  if (!y)
    return 1;
  if (x->shape[0] != y->shape[0]) {
    fprintf(stderr, "serve: %lld tokens, but %lld results\n",
            (long long)x->shape[0], (long long)y->shape[0]);
    return 1;
  }
  if (moert_context_create(NULL, &context)) {
    fprintf(stderr, "serve: no context\n");
    return 1;
  }
  packed = bindWeights(context, &moert_entry_mixtral, weights);
  server->seconds = (double *)calloc((size_t)server->requests, sizeof(double));
  if (packed && server->seconds) {
    server->packed = packed;
    server->x = (const float *)x->data;
    server->y = (const double *)y->data;
    server->tokens = x->shape[0];
    printf("%s for '%s': %llu bytes of packed weights\n",
           moert_entry_mixtral.name, moert_entry_mixtral.target,
           (unsigned long long)moert_packed_bytes(&moert_entry_mixtral));
    status = serve(server, threads);
  }
  free(server->seconds);
  free(packed);
  moert_context_destroy(context);
  return status;
}

int main(int argc, char **argv) {
  Safetensors weights, expected;
  Server server;
  long threads = argc > 3 ? parseNumber(argv[3], MAX_THREADS) : 4;
  long requests = argc > 4 ? parseNumber(argv[4], 100000000) : 2000;
  int status = 1;
  if (argc < 3 || argc > 5 || !threads || !requests) {
    fprintf(stderr, "usage: serve WEIGHTS.safetensors EXPECTED.safetensors "
                    "[THREADS [REQUESTS]]\n");
    return 2;
  }
  memset(&server, 0, sizeof server);
  pthread_mutex_init(&server.mutex, NULL);
  server.requests = requests;
  memset(&expected, 0, sizeof expected);
  if (safetensors_open(&weights, argv[1]))
    fprintf(stderr, "serve: %s\n", weights.error);
  else if (safetensors_open(&expected, argv[2]))
    fprintf(stderr, "serve: %s\n", expected.error);
  else
    status = run(&server, &weights, &expected, argv + 1, (int)threads);
  safetensors_close(&weights);
  safetensors_close(&expected);
  pthread_mutex_destroy(&server.mutex);
  return status;
}
