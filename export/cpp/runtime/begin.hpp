#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

// Vectors of at most so many bytes are used: 64, 32, 16, or 0 for plain loops.
#ifndef SLUICE_VECTORS
#define SLUICE_VECTORS 64
#endif
#if (defined(__GNUC__) || defined(__clang__)) && SLUICE_VECTORS > 0
#define SLUICE_GNU 1
#else
#define SLUICE_GNU 0
#endif
#if SLUICE_GNU && defined(__x86_64__)
#define SLUICE_X86 1
#else
#define SLUICE_X86 0
#endif

#define SLUICE_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define SLUICE_TARGET(list) SLUICE_PRAGMA(clang attribute push(__attribute__((target(list))), apply_to = function))
#define SLUICE_TARGET_END SLUICE_PRAGMA(clang attribute pop)
#define SLUICE_UNROLL SLUICE_PRAGMA(clang loop unroll(full))
#elif defined(__GNUC__)
#define SLUICE_TARGET(list) SLUICE_PRAGMA(GCC push_options) SLUICE_PRAGMA(GCC target(list))
#define SLUICE_TARGET_END SLUICE_PRAGMA(GCC pop_options)
#define SLUICE_UNROLL SLUICE_PRAGMA(GCC unroll 16)
#else
#define SLUICE_UNROLL
#endif
#if defined(__GNUC__) || defined(__clang__)
#define SLUICE_INLINE inline __attribute__((always_inline))
#else
#define SLUICE_INLINE inline
#endif
#define SLUICE_FUNCTION inline

