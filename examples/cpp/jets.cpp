// The masses of two jets given the mass of both: the density of each event of a file, compared with what `sluice density` wrote there, and new
// jets for each. Built and run by the Makefile beside it.
#include "jets.hpp"

#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: jets scored.csv\n";
    return 2;
  }
  const sluice_jets::Model model;
  const auto memory = std::make_unique<sluice_jets::Workspace>();  // one for each thread

  // mjj,mj1,mj2,log_prob: the context, the features and their log-density by the program sluice.
  std::vector<double> mass, first, second, expected;
  std::ifstream file(arguments[1]);
  std::string line;
  for (std::getline(file, line); std::getline(file, line);) {
    double m, a, b, p;
    if (std::sscanf(line.c_str(), "%lf,%lf,%lf,%lf", &m, &a, &b, &p) != 4) {
      std::cerr << arguments[1] << ": no four numbers: " << line << "\n";
      return 1;
    }
    mass.push_back(m), first.push_back(a), second.push_back(b), expected.push_back(p);
  }
  const std::size_t n = mass.size();

  // Many events: a pointer to the values of each column.
  std::vector<double> log_prob(n);
  const double *columns[] = {first.data(), second.data()}, *context[] = {mass.data()};
  model.log_prob(columns, context, log_prob.data(), n, *memory);
  double off = 0;
  for (std::size_t i = 0; i < n; i++) off = std::fmax(off, std::fabs(log_prob[i] - expected[i]));

  // One event.
  const double jets[] = {first[0], second[0]};
  std::cout << n << " events, of which the first has log p = " << model.log_prob(jets, mass.data(), *memory) << " nats by " << model.kernels()
            << " kernels; the program sluice differs by " << off << " at most\n";

  // New jets of the same masses: the base is normal, so that normal numbers are latents.
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<std::vector<double>> z(2, std::vector<double>(n)), drawn = z;
  for (auto& column : z)
    for (auto& v : column) v = normal(random);
  const double* latent[] = {z[0].data(), z[1].data()};
  double* out[] = {drawn[0].data(), drawn[1].data()};
  model.to_data(latent, context, out, n, *memory);
  double mean[2] = {}, trained[2] = {};
  for (std::size_t i = 0; i < n; i++)
    for (int k = 0; k < 2; k++) mean[k] += out[k][i] / static_cast<double>(n), trained[k] += columns[k][i] / static_cast<double>(n);
  for (int k = 0; k < 2; k++)
    std::cout << model.feature(k).name << ": mean " << mean[k] << " of those drawn, " << trained[k] << " of those in the file\n";

  // And back into the latent, where they were drawn.
  std::vector<std::vector<double>> again(2, std::vector<double>(n));
  double* back[] = {again[0].data(), again[1].data()};
  const double* from[] = {out[0], out[1]};
  model.to_latent(from, context, back, n, *memory);
  double far = 0;
  for (int k = 0; k < 2; k++)
    for (std::size_t i = 0; i < n; i++) far = std::fmax(far, std::fabs(back[k][i] - latent[k][i]) / (1 + std::fabs(latent[k][i])));
  std::cout << "latent, to jets and back: differs by " << far << " at most\n";

  if (!(off < 1e-4) || !(far < 1e-3) || std::fabs(mean[0] / trained[0] - 1) > 0.1) {
    std::cerr << "these are not the numbers of the program sluice\n";
    return 1;
  }
  return 0;
}
