// Column is a column of the events: its name, its unit, and the range of the events that the model was trained on.
struct Column {
  const char* name;
  const char* unit;
  double min, max;
};

// Workspace is the memory of one thread, sizeof(Workspace) bytes, which may be too much for a stack: make one for each thread and keep it.
class Workspace {
  friend class Model;
  alignas(64) float floats_[detail::floats] = {};

  detail::Memory memory() {
    float* at = floats_;
    detail::Memory m{};
    m.log_det = at, at += detail::tile;
    m.base = at, at += detail::tile;
    m.x = at, at += detail::x_rows * detail::tile;
    m.given = at, at += detail::given_rows * detail::tile;
    m.seen = at, at += detail::seen_rows * detail::tile;
    m.net = at, at += detail::net_rows * detail::tile;
    m.scratch = at;
    return m;
  }
};

// Model is the trained density. It has no state: one may be used by all threads, each with its own Workspace.
class Model {
 public:
  static constexpr int features() { return detail::features; }
  static constexpr int context() { return detail::context; }
  static constexpr const Column& feature(int i) { return columns_[i]; }
  static constexpr const Column& given(int i) { return columns_[detail::features + i]; }
  static const char* kernels() { return detail::kernels().name; }

  // log p of n events in nats, per unit of the features and given the context. columns: of each feature its n values; context: of each column of
  // it, null where there are none. An event with a value that is not finite has NaN.
  void log_prob(const double* const* columns, const double* const* context, double* out, std::size_t n, Workspace& workspace) const {
    detail::Memory m = workspace.memory();
    for (std::size_t at = 0; at < n;) {
      const int count = detail::together(n - at), s = count == 1 ? 1 : detail::tile;
      double log_det[detail::tile] = {}, none[detail::tile];
      bool bad[detail::tile] = {};
      give(context, at, count, s, m, none, bad);
      // members {
      detail::prepare(detail::tables, detail::tables.features, detail::features, columns, at, count, m.x, s, log_det, bad);
      detail::kernels().log_prob(detail::tables, detail::tables.flows[0], m, count, out + at);
      // } else {
      double top[detail::tile], sum[detail::tile], member[detail::tile];
      for (int k = 0; k < detail::members; k++) {
        std::memset(log_det, 0, sizeof log_det);
        detail::prepare(detail::tables, detail::tables.features, detail::features, columns, at, count, m.x, s, log_det, bad);
        if (k > 0) give(context, at, count, s, m, none, bad);
        detail::kernels().log_prob(detail::tables, detail::tables.flows[k], m, count, member);
        for (int e = 0; e < count; e++) {
          if (k == 0) top[e] = member[e], sum[e] = 0;
          if (member[e] > top[e]) sum[e] *= std::exp(top[e] - member[e]), top[e] = member[e];
          sum[e] += member[e] > -1e300 || member[e] != member[e] ? std::exp(member[e] - top[e]) : 0;
        }
      }
      for (int e = 0; e < count; e++) out[at + static_cast<std::size_t>(e)] = top[e] + std::log(sum[e] / detail::members);
      // }
      for (int e = 0; e < count; e++) {
        double& p = out[at + static_cast<std::size_t>(e)];
        p = bad[e] ? std::numeric_limits<double>::quiet_NaN() : p + log_det[e];
      }
      at += static_cast<std::size_t>(count);
    }
  }

  // log p of one event, given its features and its context, null where there is none.
  double log_prob(const double* event, const double* context, Workspace& workspace) const {
    const double *columns[detail::features], *given[detail::context + 1];
    for (int i = 0; i < detail::features; i++) columns[i] = event + i;
    for (int i = 0; i < detail::context; i++) given[i] = context + i;
    double out;
    log_prob(columns, given, &out, 1, workspace);
    return out;
  }

  // latent {
  static constexpr int latent() { return detail::latent; }

  // The latent z of n events, latent() columns; of an event with a value that is not finite NaN.
  void to_latent(const double* const* columns, const double* const* context, double* const* z, std::size_t n, Workspace& workspace) const {
    detail::Memory m = workspace.memory();
    for (std::size_t at = 0; at < n;) {
      const int count = detail::together(n - at), s = count == 1 ? 1 : detail::tile;
      double none[detail::tile];
      bool bad[detail::tile] = {};
      give(context, at, count, s, m, none, bad);
      detail::prepare(detail::tables, detail::tables.features, detail::features, columns, at, count, m.x, s, none, bad);
      detail::kernels().to_latent(detail::tables, detail::tables.flows[0], m, count);
      for (int i = 0; i < detail::latent; i++)
        for (int e = 0; e < count; e++)
          z[i][at + static_cast<std::size_t>(e)] = bad[e] ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(m.x[i * s + e]);
      at += static_cast<std::size_t>(count);
    }
  }

  // The events of n latents: features() columns. Of z drawn from the base of the flow, they are drawn from the density.
  void to_data(const double* const* z, const double* const* context, double* const* columns, std::size_t n, Workspace& workspace) const {
    detail::Memory m = workspace.memory();
    for (std::size_t at = 0; at < n;) {
      const int count = detail::together(n - at), s = count == 1 ? 1 : detail::tile;
      double none[detail::tile];
      bool bad[detail::tile] = {};
      give(context, at, count, s, m, none, bad);
      for (int i = 0; i < detail::latent; i++) {
        for (int e = 0; e < count; e++) {
          const double v = z[i][at + static_cast<std::size_t>(e)];
          m.x[i * s + e] = static_cast<float>(v);
          bad[e] = bad[e] || !(std::fabs(v) <= std::numeric_limits<double>::max());
        }
        for (int e = count; e < detail::filled(count, s); e++) m.x[i * s + e] = m.x[i * s + count - 1];
      }
      detail::kernels().to_data(detail::tables, detail::tables.flows[0], m, count);
      detail::put_back(detail::tables, detail::tables.features, detail::features, m.x, s, columns, at, count);
      for (int e = 0; e < count; e++)
        for (int i = 0; bad[e] && i < detail::features; i++) columns[i][at + static_cast<std::size_t>(e)] = std::numeric_limits<double>::quiet_NaN();
      at += static_cast<std::size_t>(count);
    }
  }
  // }

 private:
  static void give(const double* const* context, std::size_t at, int count, int s, detail::Memory& m, double* none, bool* bad) {
    std::memset(none, 0, sizeof(double) * detail::tile);
    if (detail::context > 0) detail::prepare(detail::tables, detail::tables.context, detail::context, context, at, count, m.given, s, none, bad);
  }

