// Reads events (n, then their columns, then those of the context) and writes log p, the latent and the events of the latent, all double; then
// log p once more, event by event.
#include HEADER

#include <cstdio>
#include <memory>
#include <vector>

using sluice_parity::Model;

static std::vector<std::vector<double>> columns(int count, std::size_t n) {
  return std::vector<std::vector<double>>(static_cast<std::size_t>(count), std::vector<double>(n));
}

static std::vector<double*> pointers(std::vector<std::vector<double>>& of) {
  std::vector<double*> p;
  for (auto& c : of) p.push_back(c.data());
  p.push_back(nullptr);
  return p;
}

static void write(std::FILE* f, const std::vector<double>& v) {
  if (std::fwrite(v.data(), sizeof(double), v.size(), f) != v.size()) std::perror("write");
}

int main(int, char** arguments) {
  std::FILE *in = std::fopen(arguments[1], "rb"), *out = std::fopen(arguments[2], "wb");
  std::uint64_t n = 0;
  if (in == nullptr || out == nullptr || std::fread(&n, sizeof n, 1, in) != 1) return 1;
  auto features = columns(Model::features(), n), context = columns(Model::context(), n);
  for (auto* list : {&features, &context})
    for (auto& c : *list)
      if (std::fread(c.data(), sizeof(double), n, in) != n) return 2;
  auto workspace = std::make_unique<sluice_parity::Workspace>();
  const Model model;
  std::vector<double> log_prob(n);
  auto x = pointers(features), given = pointers(context);
  model.log_prob(x.data(), given.data(), log_prob.data(), n, *workspace);
  write(out, log_prob);
#ifdef LATENT
  auto latent = columns(Model::latent(), n), back = columns(Model::features(), n);
  auto z = pointers(latent), b = pointers(back);
  model.to_latent(x.data(), given.data(), z.data(), n, *workspace);
  model.to_data(z.data(), given.data(), b.data(), n, *workspace);
  for (auto& c : latent) write(out, c);
  for (auto& c : back) write(out, c);
#endif
  for (std::size_t e = 0; e < n; e++) {
    double event[16], beside[16];
    for (std::size_t i = 0; i < features.size(); i++) event[i] = features[i][e];
    for (std::size_t i = 0; i < context.size(); i++) beside[i] = context[i][e];
    log_prob[e] = model.log_prob(event, beside, *workspace);
  }
  write(out, log_prob);
#ifdef LATENT
  for (std::size_t e = 0; e < n; e++) {  // one by one too
    for (auto& p : z) p = nullptr;
    for (std::size_t i = 0; i < latent.size(); i++) z[i] = latent[i].data() + e;
    for (std::size_t i = 0; i < context.size(); i++) given[i] = context[i].data() + e;
    for (std::size_t i = 0; i < back.size(); i++) b[i] = back[i].data() + e;
    model.to_data(z.data(), given.data(), b.data(), 1, *workspace);
  }
  for (auto& c : back) write(out, c);
#endif
  std::fclose(out);
  std::puts(Model::kernels());
  return 0;
}
