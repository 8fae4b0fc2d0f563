// Reads events as parity.cpp does, then lines from its input, "log_prob N" or "to_data N": for each it repeats that for a while on the first N
// events, and prints the nanoseconds of processor time of the fastest call.
#include HEADER

#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

using sluice_speed::Model;

static double now() {  // of the process, in nanoseconds
  std::timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return 1e9 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec);
}

int main(int, char** arguments) {
  std::FILE* in = std::fopen(arguments[1], "rb");
  std::uint64_t n = 0;
  if (in == nullptr || std::fread(&n, sizeof n, 1, in) != 1) return 1;
  std::vector<std::vector<double>> columns(static_cast<std::size_t>(Model::features()), std::vector<double>(n)), z(static_cast<std::size_t>(Model::latent()), std::vector<double>(n)), back = columns;
  std::vector<double*> x, latent, out;
  for (auto& c : columns)
    if (std::fread(c.data(), sizeof(double), n, in) != n) return 2;
  for (auto& c : columns) x.push_back(c.data());
  for (auto& c : z) latent.push_back(c.data());
  for (auto& c : back) out.push_back(c.data());
  auto workspace = std::make_unique<sluice_speed::Workspace>();
  const Model model;
  std::vector<double> log_prob(n);
  model.to_latent(x.data(), nullptr, latent.data(), n, *workspace);
  char verb[16];
  for (std::size_t events; std::scanf("%15s %zu", verb, &events) == 2;) {
    double best = 1e300;
    const int calls = events == 1 ? 200 : 1;  // of one event: several, as the clock takes time too
    for (double begin = now(), last = begin; last < begin + 6e7;) {
      for (int i = 0; i < calls; i++) {
        if (std::string(verb) == "log_prob") model.log_prob(x.data(), nullptr, log_prob.data(), events, *workspace);
        else model.to_data(latent.data(), nullptr, out.data(), events, *workspace);
      }
      const double then = now(), took = (then - last) / calls;
      best = took < best ? took : best;
      last = then;
    }
    std::printf("%.1f\n", best);
    std::fflush(stdout);
  }
  return 0;
}
