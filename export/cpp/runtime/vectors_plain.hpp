// Vectors for compilers without vector types: arrays, and loops that a compiler may make vector code of.
struct V {
  float v[W];
};
struct I {
  std::int32_t v[W];
};
#define SLUICE_EACH for (int i = 0; i < W; i++)
SLUICE_INLINE V load(const float* p) { V r; SLUICE_EACH r.v[i] = p[i]; return r; }
SLUICE_INLINE void store(float* p, const V& a) { SLUICE_EACH p[i] = a.v[i]; }
SLUICE_INLINE V splat(float a) { V r; SLUICE_EACH r.v[i] = a; return r; }
SLUICE_INLINE V operator+(const V& a, const V& b) { V r; SLUICE_EACH r.v[i] = a.v[i] + b.v[i]; return r; }
SLUICE_INLINE V operator-(const V& a, const V& b) { V r; SLUICE_EACH r.v[i] = a.v[i] - b.v[i]; return r; }
SLUICE_INLINE V operator*(const V& a, const V& b) { V r; SLUICE_EACH r.v[i] = a.v[i] * b.v[i]; return r; }
SLUICE_INLINE V operator/(const V& a, const V& b) { V r; SLUICE_EACH r.v[i] = a.v[i] / b.v[i]; return r; }
SLUICE_INLINE V operator-(const V& a) { V r; SLUICE_EACH r.v[i] = -a.v[i]; return r; }
SLUICE_INLINE V operator+(const V& a, float b) { return a + splat(b); }
SLUICE_INLINE V operator-(const V& a, float b) { return a - splat(b); }
SLUICE_INLINE V operator*(const V& a, float b) { return a * splat(b); }
SLUICE_INLINE V operator/(const V& a, float b) { return a / splat(b); }
SLUICE_INLINE V operator+(float a, const V& b) { return splat(a) + b; }
SLUICE_INLINE V operator-(float a, const V& b) { return splat(a) - b; }
SLUICE_INLINE V operator*(float a, const V& b) { return splat(a) * b; }
SLUICE_INLINE V operator/(float a, const V& b) { return splat(a) / b; }
SLUICE_INLINE V& operator+=(V& a, const V& b) { return a = a + b; }
SLUICE_INLINE I operator+(const I& a, std::int32_t b) { I r; SLUICE_EACH r.v[i] = a.v[i] + b; return r; }
SLUICE_INLINE I operator-(const I& a, std::int32_t b) { return a + -b; }
SLUICE_INLINE I operator-(const I& a, const I& b) { I r; SLUICE_EACH r.v[i] = a.v[i] - b.v[i]; return r; }
SLUICE_INLINE I operator&(const I& a, std::int32_t b) { I r; SLUICE_EACH r.v[i] = a.v[i] & b; return r; }
SLUICE_INLINE I operator|(const I& a, const I& b) { I r; SLUICE_EACH r.v[i] = a.v[i] | b.v[i]; return r; }
SLUICE_INLINE I operator^(const I& a, const I& b) { I r; SLUICE_EACH r.v[i] = a.v[i] ^ b.v[i]; return r; }
SLUICE_INLINE I operator<<(const I& a, int n) { I r; SLUICE_EACH r.v[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v[i]) << n); return r; }
SLUICE_INLINE I operator>>(const I& a, int n) { I r; SLUICE_EACH r.v[i] = a.v[i] >> n; return r; }
SLUICE_INLINE I to_int(const V& a) { I r; SLUICE_EACH r.v[i] = a.v[i] > -2e9f && a.v[i] < 2e9f ? static_cast<std::int32_t>(a.v[i]) : 0; return r; }
SLUICE_INLINE V to_float(const I& a) { V r; SLUICE_EACH r.v[i] = static_cast<float>(a.v[i]); return r; }
SLUICE_INLINE I bits(const V& a) { I r; std::memcpy(&r, &a, sizeof r); return r; }
SLUICE_INLINE V from_bits(const I& a) { V r; std::memcpy(&r, &a, sizeof r); return r; }
SLUICE_INLINE V if_less(const V& a, const V& b, const V& yes, const V& no) { V r; SLUICE_EACH r.v[i] = a.v[i] < b.v[i] ? yes.v[i] : no.v[i]; return r; }
SLUICE_INLINE V if_not_less(const V& a, const V& b, const V& yes, const V& no) { V r; SLUICE_EACH r.v[i] = a.v[i] >= b.v[i] ? yes.v[i] : no.v[i]; return r; }
SLUICE_INLINE V if_set(const I& a, const V& yes, const V& no) { V r; SLUICE_EACH r.v[i] = a.v[i] != 0 ? yes.v[i] : no.v[i]; return r; }
SLUICE_INLINE V root(const V& a) { V r; SLUICE_EACH r.v[i] = std::sqrt(a.v[i]); return r; }
#undef SLUICE_EACH
