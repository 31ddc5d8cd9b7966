/* The shortest decimal that reads back as the same float or double, without stdio, libm or locale. */
#ifndef MOVEX_CORE_NUMBER_H
#define MOVEX_CORE_NUMBER_H

#include "format.h"

/* "0.1", "-0", "1e-7", "123456789", "1e21": plain decimals for exponents from -6 to 20, else scientific; "NaN", "Infinity",
   "-Infinity". A float and the double of its value differ, since fewer digits tell floats apart. */
void movex_format_double(movex_format *format, double value);
void movex_format_float(movex_format *format, float value);

#endif
