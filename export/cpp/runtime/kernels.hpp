// Functions, float32: polynomials are minimax fits, with relative errors below 1e-8 before rounding.

SLUICE_INLINE V most(V a, V b) { return if_less(a, b, b, a); }
SLUICE_INLINE V least(V a, V b) { return if_less(b, a, b, a); }
SLUICE_INLINE V within(V x, float low, float high) { return least(most(x, splat(low)), splat(high)); }  // NaN stays
SLUICE_INLINE V absolute(V x) { return from_bits(bits(x) & 0x7fffffff); }
SLUICE_INLINE V sign_of(V x, V of) { return from_bits((bits(x) & 0x7fffffff) | (bits(of) & std::numeric_limits<std::int32_t>::min())); }

SLUICE_INLINE V exponential(V x) {  // of what a float32 holds; 2^k e^r, |r| <= log(2)/2
  x = within(x, -87.3f, 88.37f);
  I n = to_int(x * 1.44269504f + 127.5f);
  V k = to_float(n) - 127.0f;
  V r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
  V q = (((r * 0.001395051441f + 0.008368902797f) * r + 0.04166620545f) * r + 0.1666651873f) * r + 0.5000000095f;
  return (r * r * q + r + 1.0f) * from_bits(n << 23);
}

SLUICE_INLINE V logarithm_of(V x) {  // x > 0: e log(2) + log(m), m in [sqrt(1/2), sqrt(2)); 0 and below: no number that matters
  I e = (bits(x) - 0x3f3504f3) >> 23;
  V f = from_bits(bits(x) - (e << 23)) - 1.0f;
  V k = to_float(e);
  V q = f * -0.07634496531f + 0.1276157705f;
  q = q * f - 0.131601824f;
  q = q * f + 0.14201758f;
  q = q * f - 0.1662335734f;
  q = q * f + 0.2000122688f;
  q = q * f - 0.2500082103f;
  q = q * f + 0.3333333171f;
  V f2 = f * f;
  return k * 0.693359375f + (f + (f2 * f * q - k * 2.12194440e-4f - f2 * 0.5f));
}

SLUICE_INLINE V twice_artanh(V s) {  // |s| <= 1/3
  V w = s * s;
  V q = ((w * 0.1401222946f + 0.1399957053f) * w + 0.2001084953f) * w + 0.3333320657f;
  V l = s + s * (w * q);
  return l + l;
}

SLUICE_INLINE V log_1p(V q) {  // q >= 0
  return if_less(q, splat(1.0f), twice_artanh(q / (q + 2.0f)), logarithm_of(q + 1.0f));
}

SLUICE_INLINE V softplus(V x) {
  V e = exponential(-absolute(x));
  return most(x, V{}) + twice_artanh(e / (e + 2.0f));
}

SLUICE_INLINE V logistic(V x) { return 1.0f / (exponential(-x) + 1.0f); }

SLUICE_INLINE V hyperbolic_tangent(V x) {
  V a = absolute(x), z = x * x;
  V q = (((z * -0.005717044957f + 0.02065058722f) * z - 0.05374349806f) * z + 0.1333149129f) * z - 0.3333328393f;
  V far = sign_of(1.0f - 2.0f / (exponential(a + a) + 1.0f), x);
  return if_less(a, splat(0.625f), x + x * (z * q), far);
}

SLUICE_INLINE V arc_tangent(V x) {  // by atan a = pi/4 + atan((a-1)/(a+1)) = pi/2 - atan(1/a)
  V a = absolute(x), zero = V{}, one = zero + 1.0f;
  V middle = splat(0.414213562f), far = splat(2.41421356f);
  V t = if_less(a, middle, a, if_less(a, far, (a - 1.0f) / (a + 1.0f), zero - one / a));
  V from = if_less(a, middle, zero, if_less(a, far, splat(0.785398163f), splat(1.57079633f)));
  V u = t * t;
  V q = (((u * -0.06081156185f + 0.1059513985f) * u - 0.1424373879f) * u + 0.19998484f) * u - 0.3333331542f;
  return sign_of(from + (t + t * (u * q)), x);
}

SLUICE_INLINE void circle(V x, V& cosine, V& sine) {  // of pi x, |x| < 2^20: by quarter turns
  I n = to_int(sign_of(absolute(x) * 2.0f + 0.5f, x));
  V r = x - to_float(n) * 0.5f, u = r * r;
  V s = r * (((u * -0.5992059004f + 2.550162826f) * u - 5.167712772f) * u + 3.14159265f);
  V c = ((u * -1.335057814f + 4.058707884f) * u - 4.934802173f) * u + 1.0f;
  V u4 = u * u * u * u;
  s = s + r * (u4 * 0.08102864696f);
  c = c + u4 * 0.2314233531f;
  V a = if_set(n & 1, c, s), b = if_set(n & 1, s, c);
  sine = from_bits(bits(a) ^ ((n & 2) << 30));
  cosine = from_bits(bits(b) ^ (((n + 1) & 2) << 30));
}

// Of n numbers, whole vectors of them.
SLUICE_FUNCTION void activate(Activation f, float* x, int n) {
  switch (f) {
    case relu:
      for (int i = 0; i < n; i += W) store(x + i, most(load(x + i), V{}));
      return;
    case tanh:
      for (int i = 0; i < n; i += W) store(x + i, hyperbolic_tangent(load(x + i)));
      return;
    case elu:
      for (int i = 0; i < n; i += W) store(x + i, if_less(load(x + i), V{}, exponential(load(x + i)) - 1.0f, load(x + i)));
      return;
    case sigmoid:
      for (int i = 0; i < n; i += W) store(x + i, logistic(load(x + i)));
      return;
    default: return;
  }
}

// Maps of one feature, of W events or of W features of one event. h: their parameters, s floats from one to the next.

SLUICE_INLINE V log_scale_of(LogScale kind, V raw) {
  switch (kind) {
    case scale_tanh: return hyperbolic_tangent(raw);
    case scale_soft: return raw / (1.0f + absolute(raw) * 0.2f);
    case scale_clamp: return arc_tangent(raw * (1 / 1.9f)) * 1.20957757f;
    case scale_sigmoid: return logarithm_of(logistic(raw + 2.0f) + 1e-3f);
    default: return raw;
  }
}

SLUICE_INLINE V soft(const float* h, int s, int bins, float* e) {  // exponentials of a softmax, and their sum
  V top = load(h);
  for (int j = 1; j < bins; j++) top = most(top, load(h + j * s));
  V sum = V{};
  for (int j = 0; j < bins; j++) {
    V v = exponential(load(h + j * s) - top);
    store(e + j * W, v);
    sum += v;
  }
  return sum;
}

// The rational-quadratic spline of Durkan et al. (arXiv:1906.04032): softmax with a least width of 1e-3, softplus + 1e-3 for slopes.
template <bool to_data>
SLUICE_FUNCTION void spline_map(const Map& m, const float* h, int s, float* values, float* log_dets, float* e) {
  const V x = load(values);
  const int bins = m.bins;
  const float step = 2 * m.bound * 1e-3f, span = 2 * m.bound * (1 - 1e-3f * static_cast<float>(bins));
  float *ew = e, *eh = e + bins * W;
  V share_w = span / soft(h, s, bins, ew), share_h = span / soft(h + bins * s, s, bins, eh);
  V v = within(x, -m.bound, m.bound);
  const float *ea = to_data ? eh : ew, *eb = to_data ? ew : eh, *slope = h + 2 * bins * s;
  V share = to_data ? share_h : share_w;
  V ends = m.circular ? load(slope + (bins - 1) * s) : splat(0.5397423f);  // the last: 1
  V below_a = V{}, below_b = V{}, start_a = V{}, start_b = V{}, low = splat(-m.bound), lower = low;
  V in_a = load(ea), in_b = load(eb), raw0 = ends, raw1 = bins > 1 ? load(slope) : ends;
  for (int j = 1; j < bins; j++) {
    below_a += load(ea + (j - 1) * W);
    below_b += load(eb + (j - 1) * W);
    low = low + step;
    V edge = share * below_a + low;
    in_a = if_not_less(v, edge, load(ea + j * W), in_a);
    in_b = if_not_less(v, edge, load(eb + j * W), in_b);
    start_a = if_not_less(v, edge, below_a, start_a);
    start_b = if_not_less(v, edge, below_b, start_b);
    lower = if_not_less(v, edge, low, lower);
    raw0 = if_not_less(v, edge, load(slope + (j - 1) * s), raw0);
    raw1 = if_not_less(v, edge, j + 1 < bins ? load(slope + j * s) : ends, raw1);
  }
  V w = share_w * (to_data ? in_b : in_a) + step, height = share_h * (to_data ? in_a : in_b) + step;
  V xk = share_w * (to_data ? start_b : start_a) + lower, yk = share_h * (to_data ? start_a : start_b) + lower;
  V d0 = softplus(raw0) + 1e-3f, d1 = softplus(raw1) + 1e-3f;
  V slant = height / w, bend = d0 + d1 - slant * 2.0f, y;
  if (to_data) {
    V up = v - yk, bent = up * bend;
    V a = height * (slant - d0) + bent, b = height * d0 - bent, c = slant * up;
    V t = within((c + c) / (b + root(most(b * b + a * c * 4.0f, V{}))), 0.0f, 1.0f);
    y = xk + t * w;
  } else {
    V t = within((v - xk) / w, 0.0f, 1.0f), q = t * (1.0f - t);
    V over = 1.0f / (slant + bend * q);
    y = yk + height * ((slant * t * t + d0 * q) * over);
    V back = 1.0f - t, factor = slant * over;
    V l = logarithm_of((d1 * t * t + slant * q * 2.0f + d0 * back * back) * factor * factor);
    store(log_dets, load(log_dets) + if_less(splat(m.bound), absolute(x), V{}, l));
  }
  store(values, if_less(splat(m.bound), absolute(x), x, within(y, -m.bound, m.bound)));
}

SLUICE_INLINE V wrap(V x, float bound) {  // an angle to [-bound, bound]
  V turns = to_float(to_int(sign_of(absolute(x) * (0.5f / bound) + 0.5f, x)));
  return within(x - turns * (2 * bound), -bound, bound);
}

SLUICE_INLINE void turn(const Map& m, float* x, V phase) {  // an angle by a phase, unless it lies beyond the circle
  V v = load(x);
  store(x, if_less(splat(m.bound), absolute(v), v, wrap(v + phase, m.bound)));
}

template <bool to_data>
SLUICE_FUNCTION void affine_map(const Map& m, const float* h, int s, float* values, float* log_dets) {
  V x = load(values), shift = load(h), l = log_scale_of(m.log_scale, load(h + s));
  if (to_data == m.scale_first) store(values, (x - shift) * exponential(-l));
  else store(values, x * exponential(l) + shift);
  if (!to_data) store(log_dets, load(log_dets) + (m.scale_first ? l : -l));
}

template <bool to_data>
SLUICE_INLINE void map_feature(const Map& m, const float* h, int s, float* x, float* log_det, float* scratch) {
  if (m.kind == affine) {
    affine_map<to_data>(m, h, s, x, log_det);
    return;
  }
  V phase = V{};
  if (m.circular) phase = wrap(load(h + 3 * m.bins * s), m.bound);
  if (m.circular && !to_data) turn(m, x, phase);
  spline_map<to_data>(m, h, s, x, log_det, scratch);
  if (m.circular && to_data) turn(m, x, -phase);
}

// Dense layers. Of a tile: 4 outputs and C vectors of events at a time, in registers.

template <int R, int C>
SLUICE_INLINE void product(const float* w, const float* bias, const float* in, float* out, int inputs, bool positive) {
  V sum[R][C];
  SLUICE_UNROLL
  for (int r = 0; r < R; r++) {
    SLUICE_UNROLL
    for (int c = 0; c < C; c++) sum[r][c] = splat(bias[r]);
  }
  for (int k = 0; k < inputs; k++) {
    V x[C];
    SLUICE_UNROLL
    for (int c = 0; c < C; c++) x[c] = load(in + k * tile + c * W);
    SLUICE_UNROLL
    for (int r = 0; r < R; r++) {
      V f = splat(w[k * panel + r]);
      SLUICE_UNROLL
      for (int c = 0; c < C; c++) sum[r][c] += x[c] * f;
    }
  }
  SLUICE_UNROLL
  for (int r = 0; r < R; r++) {
    SLUICE_UNROLL
    for (int c = 0; c < C; c++) store(out + r * tile + c * W, positive ? most(sum[r][c], V{}) : sum[r][c]);
  }
}

template <int R>
SLUICE_FUNCTION void products(const float* w, const float* bias, const float* in, float* out, int inputs, bool positive, int vectors) {
  int c = 0;
  for (; c + side <= vectors; c += side) product<R, side>(w, bias, in + c * W, out + c * W, inputs, positive);
  for (; c < vectors; c++) product<R, 1>(w, bias, in + c * W, out + c * W, inputs, positive);
}

SLUICE_INLINE int seen_by(const Tables& m, const Dense& d, int output) { return d.ends < 0 ? d.in : m.integers[d.ends + output]; }

SLUICE_FUNCTION void dense_tile(const Tables& m, const Dense& d, const float* in, float* out, int begin, int end, bool positive, int vectors) {
  for (int o = begin, r; o < end; o += r) {
    const int beyond = panel - o % panel;
    r = end - o < 4 ? end - o : 4;
    r = r < beyond ? r : beyond;
    const int inputs = seen_by(m, d, o + r - 1);
    const float *w = m.numbers + m.integers[d.panels + o / panel] + o % panel, *bias = m.numbers + d.bias + o;
    float* to = out + o * tile;
    switch (r) {
      case 4: products<4>(w, bias, in, to, inputs, positive, vectors); break;
      case 3: products<3>(w, bias, in, to, inputs, positive, vectors); break;
      case 2: products<2>(w, bias, in, to, inputs, positive, vectors); break;
      default: products<1>(w, bias, in, to, inputs, positive, vectors);
    }
  }
}

// Of one event: whole panels of outputs, of which the first and the last may reach beyond [begin, end).
SLUICE_FUNCTION void dense_one(const Tables& m, const Dense& d, const float* in, float* out, int begin, int end, Activation f) {
  constexpr int parts = panel / W, steps = W / 2;
  for (int p = begin / panel; p * panel < end; p++) {
    const int last = (p + 1) * panel < end ? (p + 1) * panel : end;
    const int inputs = seen_by(m, d, last - 1);
    const float* w = m.numbers + m.integers[d.panels + p];
    V sum[steps][parts];
    SLUICE_UNROLL
    for (int i = 0; i < steps; i++) {
      SLUICE_UNROLL
      for (int c = 0; c < parts; c++) sum[i][c] = i == 0 ? load(m.numbers + d.bias + p * panel + c * W) : V{};
    }
    int k = 0;
    for (; k + steps <= inputs; k += steps) {
      SLUICE_UNROLL
      for (int i = 0; i < steps; i++) {
        SLUICE_UNROLL
        for (int c = 0; c < parts; c++) sum[i][c] += load(w + (k + i) * panel + c * W) * in[k + i];
      }
    }
    for (; k < inputs; k++) {
      SLUICE_UNROLL
      for (int c = 0; c < parts; c++) sum[0][c] += load(w + k * panel + c * W) * in[k];
    }
    SLUICE_UNROLL
    for (int c = 0; c < parts; c++) {
      V total = sum[0][c];
      SLUICE_UNROLL
      for (int i = 1; i < steps; i++) total += sum[i][c];
      store(out + p * panel + c * W, total);
    }
    if (f != no_activation) activate(f, out + p * panel, panel);
  }
}

// Networks. Rows of a tile are vectors of events; of one event (one) they are numbers.

template <bool one>
SLUICE_FUNCTION void begin_net(const Tables& m, const Net& n, const float* context, float* mem) {
  const int size = one ? 1 : tile;
  for (int i = 0; i < n.copied; i++) std::memcpy(mem + m.integers[n.copies + i] * size, context, sizeof(float) * static_cast<std::size_t>(n.context * size));
}

template <bool one>
SLUICE_FUNCTION void apply_op(const Tables& m, const Op& op, float* mem, int begin, int end, int vectors) {
  const int size = one ? 1 : tile;
  const float* from = mem + op.from * size;
  float* to = mem + op.to * size;
  switch (op.kind) {
    case op_dense:
      if (one) {
        dense_one(m, m.dense[op.dense], from, to, begin, end, op.activation);
        return;
      }
      dense_tile(m, m.dense[op.dense], from, to, begin, end, op.activation == relu, vectors);
      if (op.activation != relu)
        for (int r = begin; r < end; r++) activate(op.activation, to + r * tile, vectors * W);
      return;
    case op_scale:
      if (one) {
        for (int r = begin; r < end; r += W) store(to + r, load(from + r) * load(m.numbers + op.scale + r) + load(m.numbers + op.shift + r));
        activate(op.activation, to + begin, end - begin);
        return;
      }
      for (int r = begin; r < end; r++) {
        const V scale = splat(m.numbers[op.scale + r]), shift = splat(m.numbers[op.shift + r]);
        for (int c = 0; c < vectors; c++) store(to + r * tile + c * W, load(from + r * tile + c * W) * scale + shift);
        activate(op.activation, to + r * tile, vectors * W);
      }
      return;
    case op_add:
      const float *more = mem + op.more * size, *gate = op.gate < 0 ? nullptr : mem + op.gate * size;
      for (int r = begin * size, stop = end * size; r < stop; r += W) {
        V v = load(more + r);
        store(to + r, load(from + r) + (gate == nullptr ? v : v * load(gate + r)));
      }
  }
}

template <bool one>
SLUICE_FUNCTION const float* run_net(const Tables& m, const Net& n, const float* context, float* mem, int vectors) {
  begin_net<one>(m, n, context, mem);
  for (int i = 0; i < n.ops; i++) apply_op<one>(m, m.ops[n.op + i], mem, 0, m.ops[n.op + i].width, vectors);
  return mem + n.output * (one ? 1 : tile);
}

// What a group of outputs needs that was not computed for those before.
template <bool one>
SLUICE_FUNCTION void run_group(const Tables& m, const Net& n, int group, float* mem, int vectors) {
  const std::int32_t* range = m.integers + n.ranges + 2 * group * n.ops;
  for (int i = 0; i < n.ops; i++, range += 2)
    if (range[0] < range[1]) apply_op<one>(m, m.ops[n.op + i], mem, range[0], range[1], vectors);
}

// Layers.

// A feature as the network sees it: itself, or cosine and sine of an angle.
template <bool one>
SLUICE_INLINE int see(float bound, const float* x, float* to, int vectors) {
  if (bound == 0) {
    if (one) *to = *x;
    else std::memcpy(to, x, sizeof(float) * static_cast<std::size_t>(vectors * W));
    return 1;
  }
  for (int c = 0; c < (one ? 1 : vectors); c++) {
    V cosine, sine;
    circle((one ? splat(*x) : load(x + c * W)) / bound, cosine, sine);
    if (one) {
      float pair[2 * W];
      store(pair, cosine);
      store(pair + W, sine);
      to[0] = pair[0];
      to[1] = pair[W];
    } else {
      store(to + c * W, cosine);
      store(to + tile + c * W, sine);
    }
  }
  return 2;
}

// Features [begin, end) of those that the layer moves, given their parameters in h.
template <bool to_data>
SLUICE_FUNCTION void move_tile(const Tables& m, const Layer& l, const float* h, Memory& w, int begin, int end, int vectors) {
  for (int j = begin; j < end; j++) {
    const Map& map = m.maps[m.integers[l.maps + j]];
    const float* own = h + m.integers[l.at + j] * tile;
    float* x = w.x + m.integers[l.moved + j] * tile;
    for (int c = 0; c < vectors; c++) map_feature<to_data>(map, own + c * W, tile, x + c * W, w.log_det + c * W, w.scratch);
  }
}

// The same of one event: as many features at once as go by the same map.
template <bool to_data>
SLUICE_FUNCTION void move_one(const Tables& m, const Layer& l, const float* h, Memory& w, int begin, int end) {
  for (int j = begin; j < end;) {
    const int kind = m.integers[l.maps + j];
    const Map& map = m.maps[kind];
    int n = 1;
    while (n < W && j + n < end && m.integers[l.maps + j + n] == kind) n++;
    float *own = w.scratch + 2 * map.bins * W, lanes[W] = {}, logs[W] = {};
    for (int i = 0; i < n; i++) {
      const float* from = h + m.integers[l.at + j + i];
      for (int p = 0; p < map.parameters; p++) own[p * W + i] = from[p];
      lanes[i] = w.x[m.integers[l.moved + j + i]];
    }
    map_feature<to_data>(map, own, W, lanes, logs, w.scratch);
    for (int i = 0; i < n; i++) {
      w.x[m.integers[l.moved + j + i]] = lanes[i];
      if (!to_data) *w.log_det += logs[i];
    }
    j += n;
  }
}

template <bool one, bool to_data>
SLUICE_INLINE void move(const Tables& m, const Layer& l, const float* h, Memory& w, int begin, int end, int vectors) {
  if (one) move_one<to_data>(m, l, h, w, begin, end);
  else move_tile<to_data>(m, l, h, w, begin, end, vectors);
}

template <bool one, bool to_data>
SLUICE_FUNCTION void through_conditional(const Tables& m, const Layer& l, Memory& w, int vectors) {
  const int size = one ? 1 : tile;
  const Net& n = m.nets[l.net];
  float* in = w.net + n.input * size;
  if (!to_data || !l.autoregressive) {
    for (int i = 0; i < l.sees; i++) in += size * see<one>(m.numbers[l.circles + i], w.x + m.integers[l.seen + i] * size, in, vectors);
    const float* h = run_net<one>(m, n, w.seen, w.net, vectors);
    move<one, to_data>(m, l, h, w, 0, l.features, vectors);
    return;
  }
  begin_net<one>(m, n, w.seen, w.net);
  for (int g = 0, begin = 0; g < l.groups; g++) {
    const int end = m.integers[l.ends + g];
    run_group<one>(m, n, g, w.net, vectors);
    move<one, true>(m, l, w.net + n.output * size, w, begin, end, vectors);
    for (int j = begin; j < end; j++) in += size * see<one>(m.numbers[l.circles + j], w.x + m.integers[l.moved + j] * size, in, vectors);
    begin = end;
  }
}

template <bool one, bool to_data>
SLUICE_FUNCTION void through_matrix(const Tables& m, const Layer& l, Memory& w, int vectors) {
  const Dense& d = m.dense[to_data ? l.backward : l.forward];
  if (one) dense_one(m, d, w.x, w.net, 0, l.features, no_activation);
  else dense_tile(m, d, w.x, w.net, 0, l.features, false, vectors);
  std::memcpy(w.x, w.net, sizeof(float) * static_cast<std::size_t>(l.features * (one ? 1 : tile)));
}

template <bool one, bool to_data>
SLUICE_FUNCTION void through_diagonal(const Tables& m, const Layer& l, Memory& w, int vectors) {
  const float *scale = m.numbers + (to_data ? l.backward : l.forward), *shift = scale + l.features;
  for (int i = 0; i < l.features; i++) {
    if (one) w.x[i] = w.x[i] * scale[i] + shift[i];
    else
      for (int c = 0; c < vectors; c++) store(w.x + i * tile + c * W, load(w.x + i * tile + c * W) * scale[i] + shift[i]);
  }
}

template <bool one, bool to_data>
SLUICE_INLINE void through(const Tables& m, const Layer& l, Memory& w, int vectors) {
  switch (l.kind) {
    case matrix: through_matrix<one, to_data>(m, l, w, vectors); break;
    case diagonal: through_diagonal<one, to_data>(m, l, w, vectors); break;
    default: through_conditional<one, to_data>(m, l, w, vectors);
  }
}

template <bool one>
SLUICE_INLINE void embed(const Tables& m, const Flow& f, Memory& w, int vectors) {
  const std::size_t size = one ? 1 : tile;
  const float* seen = f.embedding < 0 ? w.given : run_net<one>(m, m.nets[f.embedding], w.given, w.net, vectors);
  if (f.seen > 0) std::memcpy(w.seen, seen, sizeof(float) * size * static_cast<std::size_t>(f.seen));
}

template <bool one>
SLUICE_FUNCTION double flow_to_latent(const Tables& m, const Flow& f, Memory& w, int vectors) {
  embed<one>(m, f, w, vectors);
  std::memset(w.log_det, 0, sizeof(float) * tile);
  double constant = 0;
  for (int i = 0; i < f.layers; i++) {
    const Layer& l = m.layers[f.layer + i];
    through<one, false>(m, l, w, vectors);
    constant += l.log_det;
  }
  return constant;
}

template <bool one>
SLUICE_FUNCTION void flow_to_data(const Tables& m, const Flow& f, Memory& w, int vectors) {
  embed<one>(m, f, w, vectors);
  for (int i = f.layers - 1; i >= 0; i--) through<one, true>(m, m.layers[f.layer + i], w, vectors);
}

// Bases: add log p of the latent, W events at a time, in a column of w.base.

SLUICE_INLINE V base_mixture(const Tables& m, const Base& b, const float* x, int s) {
  const float* v = m.numbers + b.values;  // of each component: a constant, then the centres, then 1/width
  V top = splat(-3.4e38f), sum = V{};
  for (int k = 0; k < b.components; k++, v += 1 + 2 * b.features) {
    V log = splat(v[0]);
    for (int i = 0; i < b.features; i++) {
      V r = (load(x + m.integers[b.order + i] * s) - v[1 + i]) * v[1 + b.features + i];
      log = log - r * r * 0.5f;
    }
    V high = most(top, log);
    sum = sum * exponential(top - high) + exponential(log - high);
    top = high;
  }
  return top + logarithm_of(sum);
}

SLUICE_INLINE V base_term(const Tables& m, const Base& b, int i, V z, const float* h, int s, V sum) {
  const float* v = m.numbers + b.values;
  switch (b.kind) {
    case student_t: return sum - log_1p(z * z * v[2 * i]) * v[2 * i + 1];  // 1/nu and (nu+1)/2
    case box: return if_less(splat(v[i]), absolute(z), splat(-std::numeric_limits<float>::infinity()), sum);
    case truncated: return if_less(splat(v[2 * i]), absolute(z), splat(-std::numeric_limits<float>::infinity()), sum - z * z * v[2 * i + 1]);
    case conditional_normal: {
      V raw = load(h + (b.features + i) * s), l = raw / (1.0f + absolute(raw) * 0.2f);
      V r = (z - load(h + i * s)) * exponential(-l);
      return sum - r * r * 0.5f - l;
    }
    default: return sum - z * z * 0.5f;
  }
}

// s: floats from one row of x and seen to the next.
SLUICE_FUNCTION double add_bases(const Tables& m, const Flow& f, Memory& w, int vectors) {
  double constant = 0;
  std::memset(w.base, 0, sizeof(float) * tile);
  for (int k = 0; k < f.bases; k++) {
    const Base& b = m.bases[f.base + k];
    const float* h = b.net < 0 ? nullptr : run_net<false>(m, m.nets[b.net], w.seen, w.net, vectors);
    for (int c = 0; c < vectors; c++) {
      V sum = load(w.base + c * W);
      if (b.kind == mixture) sum += base_mixture(m, b, w.x + c * W, tile);
      else
        for (int i = 0; i < b.features; i++)
          sum = base_term(m, b, i, load(w.x + m.integers[b.order + i] * tile + c * W), h == nullptr ? h : h + c * W, tile, sum);
      store(w.base + c * W, sum);
    }
    constant += b.constant;
  }
  return constant;
}

// One event in the first column of a tile.
SLUICE_FUNCTION double add_bases_one(const Tables& m, const Flow& f, Memory& w) {
  if (f.bases == 1 && m.bases[f.base].kind == normal) {
    double sum = 0;
    for (int i = 0; i < f.features; i++) sum += static_cast<double>(w.x[i]) * static_cast<double>(w.x[i]);
    w.base[0] = static_cast<float>(-0.5 * sum);
    return m.bases[f.base].constant;
  }
  for (int i = f.features - 1; i >= 0; i--) store(w.x + i * tile, splat(w.x[i]));
  for (int i = f.seen - 1; i >= 0; i--) store(w.seen + i * tile, splat(w.seen[i]));
  return add_bases(m, f, w, 1);
}

// What is called. Columns are in w.x and w.given: of n events as rows of a tile, of one event as numbers.

SLUICE_FUNCTION void log_prob(const Tables& m, const Flow& f, Memory& w, int n, double* out) {
  if (n == 1) {
    const double constant = flow_to_latent<true>(m, f, w, 0);
    const double log_det = w.log_det[0];
    const double base = add_bases_one(m, f, w);
    out[0] = log_det + w.base[0] + constant + base;
    return;
  }
  const int vectors = (n + W - 1) / W;
  const double constant = flow_to_latent<false>(m, f, w, vectors) + add_bases(m, f, w, vectors);
  for (int e = 0; e < n; e++) out[e] = static_cast<double>(w.log_det[e]) + static_cast<double>(w.base[e]) + constant;
}

SLUICE_FUNCTION void to_latent(const Tables& m, const Flow& f, Memory& w, int n) {
  if (n == 1) flow_to_latent<true>(m, f, w, 0);
  else flow_to_latent<false>(m, f, w, (n + W - 1) / W);
}

SLUICE_FUNCTION void to_data(const Tables& m, const Flow& f, Memory& w, int n) {
  if (n == 1) flow_to_data<true>(m, f, w, 0);
  else flow_to_data<false>(m, f, w, (n + W - 1) / W);
}
