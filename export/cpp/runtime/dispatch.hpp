// The kernels that this processor runs.

struct Kernels {
  const char* name;
  void (*log_prob)(const Tables&, const Flow&, Memory&, int, double*);
  void (*to_latent)(const Tables&, const Flow&, Memory&, int);
  void (*to_data)(const Tables&, const Flow&, Memory&, int);
};

inline Kernels choose() {
#if SLUICE_X86
  if (SLUICE_VECTORS >= 64 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return {"avx512", avx512::log_prob, avx512::to_latent, avx512::to_data};
  if (SLUICE_VECTORS >= 32 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {"avx2", avx2::log_prob, avx2::to_latent, avx2::to_data};
#endif
  return {"plain", any::log_prob, any::to_latent, any::to_data};
}

inline const Kernels& kernels() {
  static const Kernels chosen = choose();
  return chosen;
}

// How many of the events left are taken together: few of them are faster one by one.
inline int together(std::size_t left) { return left < 5 ? 1 : left < tile ? static_cast<int>(left) : tile; }
