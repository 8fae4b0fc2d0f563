typedef float V __attribute__((vector_size(4 * W)));
typedef std::int32_t I __attribute__((vector_size(4 * W)));
typedef float U __attribute__((vector_size(4 * W), aligned(4), may_alias));

SLUICE_INLINE V load(const float* p) { return *reinterpret_cast<const U*>(p); }
SLUICE_INLINE void store(float* p, V v) { *reinterpret_cast<U*>(p) = v; }
SLUICE_INLINE V splat(float a) { return a - V{}; }
SLUICE_INLINE I to_int(V v) { return __builtin_convertvector(v, I); }
SLUICE_INLINE V to_float(I i) { return __builtin_convertvector(i, V); }
SLUICE_INLINE I bits(V v) { return reinterpret_cast<I>(v); }
SLUICE_INLINE V from_bits(I i) { return reinterpret_cast<V>(i); }
SLUICE_INLINE V if_less(V a, V b, V yes, V no) { return a < b ? yes : no; }
SLUICE_INLINE V if_not_less(V a, V b, V yes, V no) { return a >= b ? yes : no; }
SLUICE_INLINE V if_set(I i, V yes, V no) { return i != 0 ? yes : no; }
