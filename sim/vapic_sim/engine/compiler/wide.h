// Arithmetic on values wider than 64 bits: arrays of words, lowest first, zero-extended.
#include <stdint.h>
#include <string.h>

typedef uint64_t u64;
typedef int64_t i64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

#define W_MAX 1024
#define WORDS(bits) (((bits) + 63) / 64)

static inline u64 shl(u64 a, u64 b) { return b < 64 ? a << b : 0; }
static inline u64 shr(u64 a, u64 b) { return b < 64 ? a >> b : 0; }
static inline i64 sar(i64 a, u64 b) { return a >> (b < 63 ? b : 63); }
static inline u64 udiv(u64 a, u64 b) { return b ? a / b : 0; }
static inline u64 umod(u64 a, u64 b) { return b ? a % b : 0; }
static inline i64 sdiv(i64 a, i64 b) {
  if (!b) return 0;
  if (b == -1) return (i64)(0 - (u64)a);
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
static inline i64 smod(i64 a, i64 b) {
  if (!b || b == -1) return 0;
  i64 r = a % b;
  return r && (r < 0) != (b < 0) ? r + b : r;
}

// Word i of a value of n bits, sign-extended if so wished.
static inline u64 w_at(const u64 *a, int n, int i, int sign) {
  int words = WORDS(n);
  u64 fill = sign && n && (a[(n - 1) / 64] >> (n - 1) % 64 & 1) ? ~0ull : 0;
  if (i >= words) return fill;
  if (i == words - 1 && n % 64 && fill) return a[i] | fill << n % 64;
  return a[i];
}
static inline void w_cut(u64 *o, int n) {
  if (n % 64) o[n / 64] &= (1ull << n % 64) - 1;
}
static inline void w_add(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn) {
  u64 carry = 0;
  for (int i = 0; i < WORDS(n); i++) {
    unsigned __int128 sum = (unsigned __int128)w_at(a, an, i, 0) + w_at(b, bn, i, 0) + carry;
    o[i] = (u64)sum;
    carry = (u64)(sum >> 64);
  }
  w_cut(o, n);
}
static inline void w_sub(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn) {
  u64 borrow = 0;
  for (int i = 0; i < WORDS(n); i++) {
    unsigned __int128 less = (unsigned __int128)w_at(a, an, i, 0) - w_at(b, bn, i, 0) - borrow;
    o[i] = (u64)less;
    borrow = (u64)(less >> 64) & 1;
  }
  w_cut(o, n);
}
static inline void w_neg(u64 *o, int n, const u64 *a, int an) {
  u64 zero = 0;
  w_sub(o, n, &zero, 1, a, an);
}
static inline void w_mul(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn) {
  int words = WORDS(n);
  u64 r[W_MAX + 1] = {0};
  for (int i = 0; i < words; i++) {
    u64 carry = 0;
    for (int j = 0; i + j < words; j++) {
      unsigned __int128 t = (unsigned __int128)w_at(a, an, i, 0) * w_at(b, bn, j, 0) + r[i + j] + carry;
      r[i + j] = (u64)t;
      carry = (u64)(t >> 64);
    }
  }
  memcpy(o, r, 8 * words);
  w_cut(o, n);
}
static inline void w_any(u64 *o, int n, const u64 *a, int an) {
  u64 r = 0;
  for (int i = 0; i < WORDS(an); i++) r |= a[i];
  *o = r != 0;
}
static inline void w_all(u64 *o, int n, const u64 *a, int an) {
  int yes = 1;
  for (int i = 0; i < WORDS(an); i++) {
    int bits = an - 64 * i;
    yes &= a[i] == (bits < 64 ? (1ull << bits) - 1 : ~0ull);
  }
  *o = yes;
}
static inline void w_xor(u64 *o, int n, const u64 *a, int an) {
  u64 r = 0;
  for (int i = 0; i < WORDS(an); i++) r ^= a[i];
  *o = __builtin_parityll(r);
}
static inline int w_compare(const u64 *a, int an, const u64 *b, int bn, int sign) {
  int words = WORDS(an > bn ? an : bn);
  for (int i = words - 1; i >= 0; i--) {
    u64 x = w_at(a, an, i, sign), y = w_at(b, bn, i, sign);
    if (x != y) return (sign && i == words - 1 ? (i64)x < (i64)y : x < y) ? -1 : 1;
  }
  return 0;
}
#define W_TEST(name, sign, test)                                                        \
  static inline void w_##name(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn) { \
    int c = w_compare(a, an, b, bn, sign);                                              \
    *o = test;                                                                          \
  }
W_TEST(eq, 0, c == 0) W_TEST(ne, 0, c != 0) W_TEST(ult, 0, c < 0) W_TEST(ugt, 0, c > 0)
W_TEST(ule, 0, c <= 0) W_TEST(uge, 0, c >= 0) W_TEST(slt, 1, c < 0) W_TEST(sgt, 1, c > 0)
W_TEST(sle, 1, c <= 0) W_TEST(sge, 1, c >= 0)

// Bits a[at] and up, n of them.
static inline void w_slice(u64 *o, int n, const u64 *a, int an, u64 at, int sign) {
  for (int i = 0; i < WORDS(n); i++) {
    u64 word = at / 64 + i;
    if (word > 1u << 20) word = 1u << 20;
    u64 low = w_at(a, an, (int)word, sign), high = w_at(a, an, (int)word + 1, sign);
    o[i] = at % 64 ? low >> at % 64 | high << (64 - at % 64) : low;
  }
  w_cut(o, n);
}
// A shift or offset, at most some number that is beyond every value.
static inline u64 w_amount(const u64 *b, int bn) {
  for (int i = 1; i < WORDS(bn); i++)
    if (b[i]) return 1ull << 32;
  return b[0] < 1ull << 32 ? b[0] : 1ull << 32;
}
static inline void w_shr(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn) {
  w_slice(o, n, a, an, w_amount(b, bn), 0);
}
static inline void w_sar(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn) {
  w_slice(o, n, a, an, w_amount(b, bn), 1);
}
static inline void w_part(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn, int stride, int sign) {
  w_slice(o, n, a, an, w_amount(b, bn) * stride, sign);
}
static inline void w_shl(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn) {
  u64 by = w_amount(b, bn);
  for (int i = WORDS(n) - 1; i >= 0; i--) {
    i64 word = (i64)i - (i64)(by / 64);
    u64 low = word >= 1 ? w_at(a, an, (int)(word - 1), 0) : 0;
    u64 high = word >= 0 ? w_at(a, an, (int)word, 0) : 0;
    o[i] = by % 64 ? high << by % 64 | low >> (64 - by % 64) : high;
  }
  w_cut(o, n);
}
static inline void w_divide(u64 *q, u64 *r, int n, const u64 *a, int an, const u64 *b, int bn) {
  int words = WORDS(n);
  memset(q, 0, 8 * words);
  memset(r, 0, 8 * words);
  for (int bit = an - 1; bit >= 0; bit--) {
    u64 top = r[words - 1] >> 63;
    for (int i = words - 1; i > 0; i--) r[i] = r[i] << 1 | r[i - 1] >> 63;
    r[0] = r[0] << 1 | (a[bit / 64] >> bit % 64 & 1);
    if (top || w_compare(r, 64 * words, b, bn, 0) >= 0) {
      w_sub(r, 64 * words, r, 64 * words, b, bn);
      q[bit / 64] |= 1ull << bit % 64;
    }
  }
}
static inline void w_quotient(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn, int sign, int rest) {
  u64 q[W_MAX], r[W_MAX], x[W_MAX], y[W_MAX], none;
  w_any(&none, 1, b, bn);
  if (!none) {
    memset(o, 0, 8 * WORDS(n));
    return;
  }
  int minus_a = sign && (a[(an - 1) / 64] >> (an - 1) % 64 & 1);
  int minus_b = sign && (b[(bn - 1) / 64] >> (bn - 1) % 64 & 1);
  memcpy(x, a, 8 * WORDS(an));
  memcpy(y, b, 8 * WORDS(bn));
  if (minus_a) w_neg(x, an, a, an);
  if (minus_b) w_neg(y, bn, b, bn);
  w_divide(q, r, n, x, an, y, bn);
  u64 left, one = 1;
  w_any(&left, 1, r, n);
  // Quotients are rounded down, and remainders have the sign of the divisor.
  if (minus_a != minus_b) {
    if (left) {
      w_add(q, n, q, n, &one, 1);
      w_sub(r, n, y, bn, r, n);
    }
    w_neg(q, n, q, n);
  }
  if (minus_b) w_neg(r, n, r, n);
  memcpy(o, rest ? r : q, 8 * WORDS(n));
  w_cut(o, n);
}
static inline void w_udiv(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn) { w_quotient(o, n, a, an, b, bn, 0, 0); }
static inline void w_umod(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn) { w_quotient(o, n, a, an, b, bn, 0, 1); }
static inline void w_sdiv(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn) { w_quotient(o, n, a, an, b, bn, 1, 0); }
static inline void w_smod(u64 *o, int n, const u64 *a, int an, const u64 *b, int bn) { w_quotient(o, n, a, an, b, bn, 1, 1); }
