// What a model is made of: descriptions, whose numbers lie in a few flat arrays (Tables), each named by where it begins there.

inline constexpr int tile = 64;   // events that go through the flow together, a row of so many floats for each column
inline constexpr int panel = 16;  // outputs of a dense layer whose weights lie side by side

// y = A x + b. weights: panel after panel of 16 outputs, in each the weights of input after input. ends: output o sees the inputs before ends[o].
struct Dense {
  int in, out;
  int bias;    // in numbers, filled up to whole panels
  int panels;  // in integers: where each panel begins in numbers
  int ends;    // in integers; -1: every output sees all inputs
};

enum Activation : int { no_activation, relu, tanh, elu, sigmoid };

// A step of a network, whose vectors lie in one memory: from and to are rows of it.
enum Operation : int {
  op_dense,  // to = activation(dense(from))
  op_scale,  // to = activation(from scale + shift)
  op_add,    // to = from + more, times gate unless that is -1
};
struct Op {
  Operation kind;
  Activation activation;
  int from, to, width;
  int dense;         // of Tables::dense
  int scale, shift;  // in numbers, filled up to whole panels
  int more, gate;    // rows
};

struct Net {
  int op, ops;                    // of Tables::ops
  int rows;                       // of memory
  int input, output;              // rows
  int context, copies, copied;    // numbers of context columns, and, in integers, the rows where they are put
  int ranges;                     // in integers: of each group of outputs and each step, which rows of it are computed once all before is known
};

enum MapKind : int { affine, spline };
enum LogScale : int { scale_tanh, scale_soft, scale_clamp, scale_sigmoid, scale_none };
struct Map {
  MapKind kind;
  int parameters;
  LogScale log_scale;  // affine
  bool scale_first;    // z = x exp(s) + shift, not (x - shift) exp(-s)
  int bins;            // spline
  float bound;
  bool circular;
};

enum LayerKind : int { matrix, diagonal, radial, conditional };
struct Layer {
  LayerKind kind;
  int features;           // that it moves
  int forward, backward;  // dense layers; of a diagonal one, in numbers, scales and then shifts; of a radial one a, s, the centre and its shifts
  double log_det;
  int moved;              // in integers, as all below: the features that a conditional layer moves
  int seen, sees;         // features that its network sees ...
  int circles;            // ... and, in numbers, the circle of each, 0 for none
  bool autoregressive;    // what it sees is what it moves
  int ends, groups;       // of the features moved, each computed once those before are known
  int maps, at;           // of each feature moved: its map, and where its parameters begin in the output of the network
  int net;
};

enum BaseKind : int { normal, mixture, student_t, box, truncated, conditional_normal };
struct Base {
  BaseKind kind;
  int order, features;  // in integers
  int components;
  int values;           // in numbers
  int net;
  double constant;
};

struct Flow {
  int features, context, seen;  // columns; seen: of the context as the networks see it
  int embedding;                // net, or -1
  int layer, layers, base, bases;
};

// Preparation.
enum StepKind : int { linear, clip, logit, logarithm, asinh, rounded, periodic, quantile };
struct Step {
  StepKind kind;
  double a, b, c, d;
  int knots, at;  // of a quantile map, and where they begin in doubles: x, y, slopes
  bool edge_low, edge_high;
};
struct Term {
  int column;
  double factor;
};
struct Prepared {
  int step, steps;  // 0: the flow does not see it; it is
  double constant;  // plus the sum of
  int term, terms;  // factors times other columns
  double low, least, high, most;  // what comes back and is low or less becomes least, high or more most
};

struct Tables {
  const float* numbers;
  const std::int32_t* integers;
  const double* doubles;
  const Dense* dense;
  const Op* ops;
  const Net* nets;
  const Map* maps;
  const Layer* layers;
  const Base* bases;
  const Flow* flows;
  const Step* steps;
  const Term* terms;
  const Prepared* features;
  const Prepared* context;
};

// Memory of one thread.
struct Memory {
  float *x, *given, *seen, *log_det, *base, *net, *scratch;
};
