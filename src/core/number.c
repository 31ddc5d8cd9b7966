#include "number.h"

#include <assert.h>
#include <string.h>

/* Free-format digit generation with exact integers: Burger and Dybvig, "Printing Floating-Point Numbers Quickly and
   Accurately" (1996), after Steele and White (1990). A value r/s lies between (r - below)/s and (r + above)/s, the middles
   between it and its neighbours; digits are generated until what is left cannot be told apart from a neighbour. Slow (a
   bignum step per digit and per decimal place) and exact. */

/* Enough for 2^1074 * 4 * 10 and for 10^309 * 10 with room to spare. */
#define LIMBS 40
#define MAX_DIGITS 17

typedef struct big {
    uint32_t limbs[LIMBS]; /* least significant first */
} big;

/* A positive finite value as mantissa * 2^exponent. */
typedef struct binary {
    uint64_t mantissa;
    int      exponent;
    bool lower_is_close; /* the next smaller value is half as far away as the next larger: mantissa is a power of two */
} binary;

/* 0.d1d2d3... * 10^point */
typedef struct decimal {
    char   digits[MAX_DIGITS + 1];
    size_t count;
    int    point;
} decimal;

static big big_from(uint64_t value)
{
    big result = {{(uint32_t)value, (uint32_t)(value >> 32)}};
    return result;
}

static void big_multiply(big *a, uint32_t factor)
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)a->limbs[i] * factor;
        a->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    assert(!carry);
}

static void big_shift(big *a, int bits)
{
    for (; bits >= 31; bits -= 31) big_multiply(a, UINT32_C(1) << 31);
    big_multiply(a, UINT32_C(1) << bits);
}

static big big_sum(const big *a, const big *b)
{
    big      sum;
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)a->limbs[i] + b->limbs[i];
        sum.limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    assert(!carry);
    return sum;
}

static int big_compare(const big *a, const big *b)
{
    for (int i = LIMBS; i-- > 0;)
        if (a->limbs[i] != b->limbs[i]) return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

static void big_subtract(big *a, const big *b)
{
    assert(big_compare(a, b) >= 0);
    uint64_t borrow = 0;
    for (int i = 0; i < LIMBS; i++) {
        uint64_t difference = (uint64_t)a->limbs[i] - b->limbs[i] - borrow;
        a->limbs[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
}

/* The four integers of the algorithm. */
typedef struct ratio {
    big  r, s, above, below;
    bool inclusive; /* an even mantissa wins ties when read back, so the middles themselves may be printed */
} ratio;

static ratio ratio_from(binary value)
{
    ratio q = {big_from(value.mantissa), big_from(1), big_from(1), big_from(1), value.mantissa % 2 == 0};
    int   half = value.lower_is_close ? 2 : 1; /* scale, so that the smaller half-distance is a whole number */
    if (value.exponent >= 0) {
        big_shift(&q.r, value.exponent);
        big_shift(&q.above, value.exponent);
        big_shift(&q.below, value.exponent);
    } else {
        big_shift(&q.s, -value.exponent);
    }
    big_shift(&q.r, half);
    big_shift(&q.s, half);
    big_shift(&q.above, half - 1);
    return q;
}

/* True if the value and its upper middle reach s. */
static bool reaches(const ratio *q)
{
    big high = big_sum(&q->r, &q->above);
    int order = big_compare(&high, &q->s);
    return q->inclusive ? order >= 0 : order > 0;
}

static void multiply_by_ten(ratio *q)
{
    big_multiply(&q->r, 10);
    big_multiply(&q->above, 10);
    big_multiply(&q->below, 10);
}

/* Scales by powers of ten until 1/10 <= (r + above) / s < 1; returns the power. */
static int scale(ratio *q)
{
    int power = 0;
    for (; reaches(q); power++) big_multiply(&q->s, 10);
    for (;; power--) {
        ratio next = *q;
        multiply_by_ten(&next);
        if (reaches(&next)) return power;
        *q = next;
    }
}

/* The digit that is left of r / s, which is taken from r. */
static int take_digit(ratio *q)
{
    int digit = 0;
    for (; big_compare(&q->r, &q->s) >= 0; digit++) big_subtract(&q->r, &q->s);
    assert(digit <= 9);
    return digit;
}

static decimal shortest(binary value)
{
    ratio   q = ratio_from(value);
    decimal result = {.count = 0};
    result.point = scale(&q);
    for (;;) {
        multiply_by_ten(&q);
        int  digit = take_digit(&q);
        int  order = big_compare(&q.r, &q.below);
        bool low = q.inclusive ? order <= 0 : order < 0;
        bool high = reaches(&q);
        assert(result.count < MAX_DIGITS);
        if (low || high) {
            big twice = big_sum(&q.r, &q.r);
            if (high && (!low || big_compare(&twice, &q.s) >= 0)) digit++;
            assert(digit <= 9);
            result.digits[result.count++] = (char)('0' + digit);
            return result;
        }
        result.digits[result.count++] = (char)('0' + digit);
    }
}

static void repeat_zero(movex_format *format, int times)
{
    while (times-- > 0) movex_format_text(format, "0");
}

static void format_decimal(movex_format *format, const decimal *value)
{
    int count = (int)value->count;
    int exponent = value->point - 1;
    if (exponent < -6 || exponent > 20) {
        movex_format_bytes(format, value->digits, 1);
        if (count > 1) movex_format_text(format, ".");
        movex_format_bytes(format, value->digits + 1, value->count - 1);
        movex_format_text(format, "e");
        movex_format_signed(format, exponent);
    } else if (value->point <= 0) {
        movex_format_text(format, "0.");
        repeat_zero(format, -value->point);
        movex_format_bytes(format, value->digits, value->count);
    } else if (count <= value->point) {
        movex_format_bytes(format, value->digits, value->count);
        repeat_zero(format, value->point - count);
    } else {
        movex_format_bytes(format, value->digits, (size_t)value->point);
        movex_format_text(format, ".");
        movex_format_bytes(format, value->digits + value->point, value->count - (size_t)value->point);
    }
}

/* IEEE 754 bits: a sign, `exponent_bits`, and `fraction_bits` of the mantissa, whose leading one is not stored. */
static void format_bits(movex_format *format, uint64_t bits, int fraction_bits, int exponent_bits)
{
    uint64_t fraction = bits & ((UINT64_C(1) << fraction_bits) - 1);
    int      top = (1 << exponent_bits) - 1;
    int      exponent = (int)(bits >> fraction_bits) & top;
    bool     negative = bits >> (fraction_bits + exponent_bits) & 1;
    if (exponent == top && fraction) {
        movex_format_text(format, "NaN");
        return;
    }
    if (negative) movex_format_text(format, "-");
    if (exponent == top) {
        movex_format_text(format, "Infinity");
    } else if (!exponent && !fraction) {
        movex_format_text(format, "0");
    } else {
        int bias = top / 2 + fraction_bits;
        /* Subnormal numbers have no hidden one, and the exponent of the smallest normal ones. */
        binary  value = {.mantissa = exponent ? fraction | UINT64_C(1) << fraction_bits : fraction,
                         .exponent = (exponent ? exponent : 1) - bias,
                         .lower_is_close = !fraction && exponent > 1};
        decimal digits = shortest(value);
        format_decimal(format, &digits);
    }
}

void movex_format_double(movex_format *format, double value)
{
    uint64_t bits;
    _Static_assert(sizeof bits == sizeof value, "double is IEEE 754 binary64");
    memcpy(&bits, &value, sizeof bits);
    format_bits(format, bits, 52, 11);
}

void movex_format_float(movex_format *format, float value)
{
    uint32_t bits;
    _Static_assert(sizeof bits == sizeof value, "float is IEEE 754 binary32");
    memcpy(&bits, &value, sizeof bits);
    format_bits(format, bits, 23, 8);
}
