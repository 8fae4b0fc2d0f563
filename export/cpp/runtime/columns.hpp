// Preparation: columns of the user to those of the flow and back, in float64, up to 64 values at a time.

inline double held(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

inline int below(const double* knots, int n, double v) {  // the last of n knots, but for the very last, that is not above v; 0 for none
  int k = 0;
  for (int size = n - 1; size > 1;) {
    const int half = size / 2;
    k = knots[k + half] <= v ? k + half : k;
    size -= half;
  }
  return k;
}

// A rational-quadratic spline between knots, and power laws beyond: |y| = sqrt(Y^2 + 2 index log(1 + t |Y|/index)) at a distance t/slope.
inline void quantile_apply(const Step& s, const double* x, const double* y, const double* slope, double& v, double& log_det) {
  const int last = s.knots - 1, end = v < x[0] ? 0 : last;
  if (v < x[0] || v > x[last]) {
    const double top = std::fabs(y[end]), index = end == 0 ? s.a : s.b;
    const double far = std::log1p(std::fabs(v - x[end]) * slope[end] * top / index), size = std::sqrt(top * top + 2 * index * far);
    v = std::copysign(size, y[end]);
    log_det += std::log(slope[end] * top / size) - far;
    return;
  }
  const int k = below(x, s.knots, v);
  const double w = x[k + 1] - x[k], h = y[k + 1] - y[k], secant = h / w, a = slope[k] / secant, b = slope[k + 1] / secant;
  const double t = held((v - x[k]) / w, 0, 1), u = t * (1 - t), over = 1 / (1 + (a + b - 2) * u);
  v = y[k] + h * (t * t + a * u) * over;
  log_det += std::log(secant * (b * t * t + 2 * u + a * (1 - t) * (1 - t)) * over * over);
}

inline double quantile_invert(const Step& s, const double* x, const double* y, const double* slope, double v) {
  const int last = s.knots - 1, end = v < y[0] ? 0 : last;
  if (v < y[0] || v > y[last]) {
    if (end == 0 ? s.edge_low : s.edge_high) return end == 0 ? s.c : s.d;
    const double top = std::fabs(y[end]), index = end == 0 ? s.a : s.b;
    if (index > 1e300) return x[end] + (v - y[end]) / slope[end];
    const double far = std::fmin((std::fabs(v) - top) * (std::fabs(v) + top) / (2 * index), 88);
    return x[end] + std::copysign(std::expm1(far) * index / (slope[end] * top), y[end]);
  }
  const int k = below(y, s.knots, v);
  const double w = x[k + 1] - x[k], h = y[k + 1] - y[k], a = slope[k] * w / h, b = slope[k + 1] * w / h;
  const double r = held(v - y[k], 0, h), e = r * (a + b - 2), p = h - a * h + e, q = a * h - e;
  return x[k] + w * std::fmin(2 * r / (q + std::sqrt(std::fmax(q * q + 4 * p * r, 0))), 1);
}

inline void apply_step(const Step& s, const double* lists, double* x, double* log_det, int n) {
  switch (s.kind) {
    case linear:  // shift, unit, log unit
      for (int e = 0; e < n; e++) x[e] = (x[e] - s.a) / s.b, log_det[e] -= s.c;
      return;
    case clip:  // b, log(1-b)
      for (int e = 0; e < n; e++) x[e] = held(x[e], 0, 1) * (1 - s.a) + s.a / 2, log_det[e] += s.b;
      return;
    case logit:
      for (int e = 0; e < n; e++) {
        const double v = held(x[e], 0x1p-53, 1 - 0x1p-53), a = std::log(v), b = std::log1p(-v);
        x[e] = a - b, log_det[e] -= a + b;
      }
      return;
    case logarithm:  // offset, floor, log floor
      for (int e = 0; e < n; e++) {
        const double v = x[e] + s.a, l = v < s.b ? s.c : std::log(v);
        x[e] = v < s.b ? l + (v / s.b - 1) : l, log_det[e] -= l;
      }
      return;
    case asinh:  // centre, scale, log scale
      for (int e = 0; e < n; e++) {
        const double t = (x[e] - s.a) / s.b;
        x[e] = std::asinh(t), log_det[e] -= s.c + (std::fabs(t) < 1e8 ? 0.5 * std::log1p(t * t) : std::log(std::fabs(t)));
      }
      return;
    case rounded: return;
    case periodic: {  // low, turn, cut, filled; unit, start and log(turn unit) in doubles
      const double *more = lists + s.at;
      for (int e = 0; e < n; e++) {
        double t = std::fmod(x[e] - s.c, s.b) / s.b;
        if (t < 0) t += 1;
        if (s.d == 0) t = std::fmin(t, 1 - 0x1p-53);
        else if (t > (1 + s.d) / 2) t -= 1;
        x[e] = (t - more[1]) / more[0], log_det[e] -= more[2];
      }
      return;
    }
    case quantile: {  // index below, index above, low, high
      const double *at = lists + s.at, *slope = at + 2 * s.knots;
      for (int e = 0; e < n; e++) quantile_apply(s, at, at + s.knots, slope, x[e], log_det[e]);
    }
  }
}

inline void invert_step(const Step& s, const double* lists, double* y, int n) {
  switch (s.kind) {
    case linear:
      for (int e = 0; e < n; e++) y[e] = y[e] * s.b + s.a;
      return;
    case clip:
      for (int e = 0; e < n; e++) y[e] = held((y[e] - s.a / 2) / (1 - s.a), 0, 1);
      return;
    case logit:
      for (int e = 0; e < n; e++) {
        const double small = std::exp(-std::fabs(y[e]));
        y[e] = (y[e] < 0 ? small : 1) / (1 + small);
      }
      return;
    case logarithm:
      for (int e = 0; e < n; e++) y[e] = (y[e] < s.c ? s.b * (1 + y[e] - s.c) : std::exp(y[e] < 88 ? y[e] : 88)) - s.a;
      return;
    case asinh:
      for (int e = 0; e < n; e++) y[e] = s.a + s.b * std::sinh(held(y[e], -88, 88));
      return;
    case rounded:  // unit, offset
      for (int e = 0; e < n; e++) y[e] = std::round((y[e] - s.b) / s.a) * s.a + s.b;
      return;
    case periodic: {
      const double *more = lists + s.at;
      for (int e = 0; e < n; e++) {
        double t = y[e] * more[0] + more[1];
        t -= std::floor(t);
        const double x = s.c + t * s.b;
        y[e] = held(x >= s.a + s.b ? x - s.b : x, s.a, s.a + s.b);
      }
      return;
    }
    case quantile: {
      const double *at = lists + s.at, *slope = at + 2 * s.knots;
      for (int e = 0; e < n; e++) y[e] = quantile_invert(s, at, at + s.knots, slope, y[e]);
    }
  }
}

// Rows of a tile are filled up to whole vectors of any width with the last event.
inline int filled(int n, int s) { return s == 1 ? n : (n + 15) / 16 * 16; }

// n values of each column to rows of the flow, s floats from one row to the next. Events with a value that is no finite number are marked.
inline void prepare(const Tables& m, const Prepared* columns, int count, const double* const* from, std::size_t first, int n, float* to, int s,
                    double* log_det, bool* bad) {
  double x[tile];
  for (int i = 0; i < count; i++) {
    const double* v = from[i] + first;
    for (int e = 0; e < n; e++) x[e] = v[e], bad[e] = bad[e] || !(std::fabs(v[e]) <= std::numeric_limits<double>::max());
    if (columns[i].steps == 0) continue;
    for (int k = 0; k < columns[i].steps; k++) apply_step(m.steps[columns[i].step + k], m.doubles, x, log_det, n);
    for (int e = 0; e < n; e++) to[e] = static_cast<float>(x[e]);
    for (int e = n; e < filled(n, s); e++) to[e] = to[n - 1];
    to += s;
  }
}

inline void put_back(const Tables& m, const Prepared* columns, int count, const float* from, int s, double* const* to, std::size_t first, int n) {
  for (int i = 0; i < count; i++) {
    double* x = to[i] + first;
    for (int e = 0; e < n; e++) x[e] = columns[i].steps > 0 ? static_cast<double>(from[e]) : columns[i].constant;
    if (columns[i].steps == 0) continue;
    for (int k = columns[i].steps - 1; k >= 0; k--) invert_step(m.steps[columns[i].step + k], m.doubles, x, n);
    for (int e = 0; e < n; e++) x[e] = x[e] <= columns[i].low ? columns[i].least : x[e] >= columns[i].high ? columns[i].most : x[e];
    from += s;
  }
  for (int i = 0; i < count; i++)
    for (int k = 0; k < columns[i].terms; k++)
      for (int e = 0; e < n; e++) to[i][first + static_cast<std::size_t>(e)] += m.terms[columns[i].term + k].factor * to[m.terms[columns[i].term + k].column][first + static_cast<std::size_t>(e)];
}
