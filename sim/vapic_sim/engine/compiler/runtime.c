// Time, clocks and waiting: runs a compiled model until something that waits is to be told.
// The tables are arrays of 64-bit words that `vapic_sim.engine.runtime.tables` writes.
#include "design.h"

enum { NOW, CLOCKS, CLOCK_COUNT, ARMED, ARMED_COUNT, WAITERS, FIRED, FIRED_COUNT, WATCHES,
       WATCH_COUNT, WATCH_HIT, CAPTURES, CAPTURED, CODE, COLD, COLD_WORDS, EVENTS, ALL_COLD };
enum { C_WORD, C_BIT, C_NEXT, C_HALF, C_RISE, C_FALL, C_SIZE };
enum { W_WORD, W_BIT, W_LEVEL, W_COUNT, W_CODE, W_RESET, W_CAPTURES, W_FROM, W_STAYS, W_COLD, W_SIZE };
enum { H_PLACE, H_MASK, H_LAST, H_SIZE };
enum { END, LOAD, CONST, AND, OR, XOR, NOT, EQ, NE, LT, LE, SLT, SLE, ADD, SUB, ANY, ALL, PARITY,
       SHL, SHR, EXTEND, CHOOSE, BYTES };

// A toggled clock: its word, bit and new level.
typedef struct { i64 word, bit, level; } Toggle;

static u64 run_code(const i64 *code) {
  u64 stack[64];
  int top = -1;
  for (;;) switch (*code++) {
    case END: return stack[0];
    case LOAD: stack[++top] = *(u64 *)code[0] >> code[1] & (u64)code[2]; code += 3; break;
    case BYTES: {
      u64 row = 0;
      memcpy(&row, (void *)code[0], code[1]);
      stack[++top] = row >> code[2] & (u64)code[3];
      code += 4;
      break;
    }
    case CONST: stack[++top] = *code++; break;
    case AND: top--; stack[top] &= stack[top + 1]; break;
    case OR: top--; stack[top] |= stack[top + 1]; break;
    case XOR: top--; stack[top] ^= stack[top + 1]; break;
    case NOT: stack[top] = ~stack[top] & (u64)*code++; break;
    case EQ: top--; stack[top] = stack[top] == stack[top + 1]; break;
    case NE: top--; stack[top] = stack[top] != stack[top + 1]; break;
    case LT: top--; stack[top] = stack[top] < stack[top + 1]; break;
    case LE: top--; stack[top] = stack[top] <= stack[top + 1]; break;
    case SLT: top--; stack[top] = (i64)stack[top] < (i64)stack[top + 1]; break;
    case SLE: top--; stack[top] = (i64)stack[top] <= (i64)stack[top + 1]; break;
    case ADD: top--; stack[top] = stack[top] + stack[top + 1]; break;
    case SUB: top--; stack[top] = stack[top] - stack[top + 1]; break;
    case ANY: stack[top] = stack[top] != 0; break;
    case ALL: stack[top] = stack[top] == (u64)*code++; break;
    case PARITY: stack[top] = __builtin_parityll(stack[top]); break;
    case SHL: stack[top] <<= *code++; break;
    case SHR: stack[top] = stack[top] >> code[0] & (u64)code[1]; code += 2; break;
    case EXTEND: stack[top] = (u64)((i64)(stack[top] << *code) >> *code); code++; break;
    case CHOOSE: top -= 2; stack[top] = stack[top] ? stack[top + 1] : stack[top + 2]; break;
  }
}

// Everything that follows from the state, asynchronous resets applied.
void model_rest(State *s) {
  do model_settle(s);
  while (model_asynchronous(s));
}

static void cold(State *s, i64 *r) {
  if (r[COLD]) ((void (*)(State *, u64 *))r[COLD])(s, (u64 *)r[COLD_WORDS]);
}

static int look(const i64 *r) {
  const i64 *watch = (const i64 *)r[WATCHES];
  for (i64 i = 0; i < r[WATCH_COUNT]; i++, watch += H_SIZE)
    if ((*(u64 *)watch[H_PLACE] & (u64)watch[H_MASK]) != (u64)watch[H_LAST]) return 1;
  return 0;
}

// Look at what is watched; whether any of it changed. State that changed is told before anything
// follows from it.
int model_watch(State *s, i64 *r) {
  if (!r[WATCH_COUNT]) return 0;
  if (!look(r)) {
    model_rest(s);
    if (r[ALL_COLD]) cold(s, r);
    if (!look(r)) return 0;
  }
  return r[WATCH_HIT] = 1;
}

// Ask those that wait for these edges, with values from right before them.
static void ask(State *s, i64 *r, const Toggle *toggles, int count) {
  i64 *armed = (i64 *)r[ARMED], kept = 0;
  int is_cold = 0;
  for (i64 i = 0; i < r[ARMED_COUNT]; i++) {
    i64 *w = (i64 *)r[WAITERS] + armed[i] * W_SIZE;
    int fire = 0;
    for (int t = 0; t < count; t++) {
      if (w[W_WORD] != toggles[t].word || w[W_BIT] != toggles[t].bit ||
          w[W_LEVEL] != toggles[t].level) continue;
      if (w[W_COLD] && !is_cold) { cold(s, r); is_cold = 1; }
      fire = w[W_CODE] >= 0 ? run_code((i64 *)r[CODE] + w[W_CODE]) != 0 : --w[W_COUNT] <= 0;
      if (w[W_RESET] >= 0 && run_code((i64 *)r[CODE] + w[W_RESET])) fire = 1;
    }
    if (fire) {
      const i64 *from = (i64 *)r[CAPTURES] + w[W_FROM];
      u64 *to = (u64 *)r[CAPTURED] + w[W_FROM];
      for (i64 c = 0; c < w[W_CAPTURES]; c++) to[c] = *(u64 *)from[c];
      ((i64 *)r[FIRED])[r[FIRED_COUNT]++] = armed[i];
      if (!w[W_STAYS]) continue;
    }
    armed[kept++] = armed[i];
  }
  r[ARMED_COUNT] = kept;
}

static void edge(State *s, i64 *r, const Toggle *toggles, int count, u64 edges) {
  model_rest(s);
  for (int t = 0; t < count; t++) s->w[toggles[t].word] ^= 1ull << toggles[t].bit;
  if (r[ARMED_COUNT]) ask(s, r, toggles, count);
  if (edges) model_commit(s, edges);
  for (int t = 0; t < count; t++) model_touch(s, toggles[t].word);
  r[EVENTS]++;
}

// A clock is set by hand.
void model_clock(State *s, i64 *r, i64 word, i64 bit, u64 edges) {
  Toggle toggle = {word, bit, !(s->w[word] >> bit & 1)};
  edge(s, r, &toggle, 1, edges);
}

// Let time pass before `limit`, at most `events` clock edges.
// 0: `limit` is reached; 1: something fired or changed; 2: so many edges have passed.
int model_run(State *s, i64 *r, i64 limit, i64 events) {
  i64 *clocks = (i64 *)r[CLOCKS];
  Toggle toggles[64];
  while (events-- > 0) {
    i64 next = limit;
    for (i64 i = 0; i < r[CLOCK_COUNT]; i++)
      if (clocks[i * C_SIZE + C_NEXT] < next) next = clocks[i * C_SIZE + C_NEXT];
    if (next >= limit) {
      if (limit != INT64_MAX) r[NOW] = limit;
      return 0;
    }
    r[NOW] = next;
    int count = 0;
    u64 edges = 0;
    for (i64 i = 0; i < r[CLOCK_COUNT]; i++) {
      i64 *c = clocks + i * C_SIZE;
      if (c[C_NEXT] != next) continue;
      i64 level = !(s->w[c[C_WORD]] >> c[C_BIT] & 1), at = level ? c[C_RISE] : c[C_FALL];
      c[C_NEXT] += c[C_HALF];
      toggles[count++] = (Toggle){c[C_WORD], c[C_BIT], level};
      if (at >= 0) edges |= 1ull << at;
    }
    edge(s, r, toggles, count, edges);
    if (r[WATCH_COUNT]) model_watch(s, r);
    if (r[FIRED_COUNT] | r[WATCH_HIT]) return 1;
  }
  return 2;
}
