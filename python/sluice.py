"""Trained models of Sluice in Python, with NumPy alone.

    import sluice
    model = sluice.load("model.safetensors")
    model.log_prob(events)                  # nats, per unit of the features: events is a DataFrame, a dict of arrays, or an array (events, features)
    model.sample(1000, seed=1)              # a dict of arrays, or a DataFrame where the events of log_prob were one
    model.transform(events)                 # latent, (events, features)

A flow whose maps have a closed form is evaluated here: couplings and autoregressive transforms of affine maps and splines, linear maps, norms,
and the bases but a trained one. What is not, a mixed table of continuous and discrete columns say, is given to the program `sluice`, if it is
installed (SLUICE, or on the path): slower to start, and the same numbers. Nothing here is random but sample, which draws others than `sluice sample` does.

Flow is an estimator with the verbs of scikit-learn; report reads the histograms of a report.json. Both of the file format and of the program this is
the reader of one version, printed by `sluice python`.
"""

import csv
import io
import json
import math
import os
import shutil
import struct
import subprocess
import tempfile

import numpy as np

FORMAT_VERSION = 5


class Unsupported(Exception):
    """What has no closed form here; the program can."""


def load(path):
    """The model of a file."""
    return Model(path)


def report(path):
    """The histograms of a report.json by name, each a dict of edges, values and variances, with those below and above the edges in
    flow (values) of two numbers."""
    with open(path, encoding="utf-8") as f:
        data = json.load(f)
    return {name: _histogram(h) for name, h in data["histograms"].items()}


def _histogram(h):
    axis, storage = h["axes"][0], h["storage"]
    if axis["type"] == "regular":
        edges = np.linspace(axis["lower"], axis["upper"], axis["bins"] + 1)
    elif axis["type"] == "variable":
        edges = np.asarray(axis["edges"], float)
    else:
        edges = np.arange(len(storage["values"]) + 1.0)
    values = np.asarray(storage["values"], float)
    variances = np.asarray(storage.get("variances", values), float)
    low, high = int(axis.get("underflow", False)), int(axis.get("overflow", False))
    inside = slice(low, len(values) - high)
    return {
        "edges": edges, "values": values[inside], "variances": variances[inside],
        "flow": (values[0] if low else 0.0, values[-1] if high else 0.0), "metadata": h.get("metadata", {}), "axis": axis.get("metadata", {}),
    }


class Model:
    """A trained density of columns in the user's units, perhaps given others."""

    def __init__(self, path):
        self.path = os.fspath(path)
        self._meta, tensors = _read(self.path)
        if int(self._meta["format_version"]) != FORMAT_VERSION:
            raise ValueError(f"{path}: written for format {self._meta['format_version']}, and this is a reader of {FORMAT_VERSION}: "
                             "take the sluice.py that `sluice python` of its program prints")
        schema = json.loads(self._meta["schema"])
        self.features = [c["name"] for c in schema["features"]]
        self.context = [c["name"] for c in schema["context"]]
        self.units = {c["name"]: c.get("unit", "") for c in schema["features"] + schema["context"]}
        self.card = self._meta["card"]
        self._density, self.why = None, ""
        try:
            self._features = _Preparation(json.loads(self._meta["features"]))
            self._given = _Preparation(json.loads(self._meta["context"]))
            self._density = _density(json.loads(self._meta["density"]), tensors, int(self._meta["seed"]))
        except Unsupported as e:
            self.why = str(e)  # the program does it

    def log_prob(self, events, context=None):
        """log p of each event in nats, per unit of the features, given the context."""
        if self._density is None:
            return self._program(events, context)["log_prob"]
        x, log_det = self._features.apply(_columns(events, self.features))
        return self._density.log_prob(x, self._context(events, context, len(x))) + log_det

    score_samples = log_prob

    def transform(self, events, context=None):
        """The latent of each event."""
        if self._density is None:
            found = self._program(events, context, latent=True)
            return np.stack([found[k] for k in sorted((k for k in found if k.startswith("z_")), key=lambda k: int(k[2:]))], axis=1)
        x, _ = self._features.apply(_columns(events, self.features))
        return self._density.to_latent(x, self._context(events, context, len(x)))[0]

    def inverse_transform(self, latent, context=None):
        """The events of a latent, a dict of arrays: of what is evaluated here alone, as the program has no verb for it."""
        if self._density is None:
            raise Unsupported(f"{self.path}: {self.why}, which this reader does not evaluate, and the program has no way back from a latent: draw by sample")
        latent = np.asarray(latent, float)
        return self._features.invert(self._density.to_data(latent, self._context(None, context, len(latent))))

    def sample(self, n, context=None, seed=None):
        """n events, given a context of as many rows or of one; a DataFrame where pandas is there and the context was one, else a dict of arrays."""
        if n != int(n) or n < 0:
            raise ValueError(f"sample: n is {n}, not a whole number from 0 on")
        n = int(n)
        if self._density is None:
            return self._drawn(n, context, 1 if seed is None else seed)
        random = np.random.default_rng(seed)
        given = self._context(None, context, n)
        found = self._features.invert(self._density.sample(n, given, random))
        return _like(context, found)

    def _context(self, events, context, n):
        if not self.context:
            return np.zeros((n, 0))
        if context is None:
            context = events
        if context is None or isinstance(context, np.ndarray) and context is events:
            raise ValueError(f"the density is conditional: give context={self.context}")
        return self._given.apply(_columns(context, self.context, n))[0]

    def _program(self, events, context, latent=False):
        columns = dict(zip(self.features, _columns(events, self.features)))
        if self.context:
            columns.update(zip(self.context, _columns(events if context is None else context, self.context, len(columns[self.features[0]]))))
        with tempfile.TemporaryDirectory() as folder:
            source, out = os.path.join(folder, "in.csv"), os.path.join(folder, "out.csv")
            _write(source, columns)
            # of every event, as here: not of the model's selection alone
            self._run(["density", self.path, source, "-o", out, "--where", "1>0"] + (["--latent"] if latent else []))
            return _table(out)

    def _drawn(self, n, context, seed):
        with tempfile.TemporaryDirectory() as folder:
            out, given = os.path.join(folder, "out.csv"), []
            if self.context:
                source = os.path.join(folder, "in.csv")
                if context is None:
                    raise ValueError(f"the density is conditional: give context={self.context}")
                _write(source, dict(zip(self.context, _columns(context, self.context, n))))
                given = ["--context", source]
            self._run(["sample", self.path, "-n", str(n), "-o", out, "--seed", str(seed)] + given)
            return _like(context, {k: v for k, v in _table(out).items() if k in self.features})

    def _run(self, arguments):
        try:
            return program(arguments)
        except FileNotFoundError as e:
            raise Unsupported(f"{self.path}: {self.why}, which this reader does not evaluate, and {e}") from None


class Flow:
    """An estimator: fit trains by the program, the rest is of the model.

        flow = sluice.Flow("flow.type=nsf", "train.epochs=20").fit(frame)
    """

    def __init__(self, *settings, model=None):
        self.settings, self.model, self._folder = settings, model, None

    def fit(self, x, y=None, context=None):
        """Trains on a DataFrame, a dict of arrays or an array, whose columns are then x0, x1, ..."""
        data = _named(x)
        given = _named(context, "c") if context is not None else {}
        self._folder = self._folder or tempfile.TemporaryDirectory()
        source, out = os.path.join(self._folder.name, "events.csv"), os.path.join(self._folder.name, "model.safetensors")
        _write(source, {**data, **given})
        command = ["train", source, "-o", out, "--quiet", "--features", _listed(data)]
        if given:
            command += ["--context", _listed(given)]
        for s in self.settings:
            command += ["--set", s]
        program(command)
        self.model = load(out)
        return self

    def _trained(self):
        if self.model is None:
            raise ValueError("this flow is not trained yet: call fit first")
        return self.model

    def score_samples(self, x, context=None):
        return self._trained().log_prob(_named(x), _named(context, "c") if context is not None else None)

    def score(self, x, y=None, context=None):
        return float(np.mean(self.score_samples(x, context)))

    def transform(self, x, context=None):
        return self._trained().transform(_named(x), _named(context, "c") if context is not None else None)

    def sample(self, n=1, context=None, seed=None):
        found = self._trained().sample(n, _named(context, "c") if context is not None else None, seed)
        return np.stack([found[k] for k in self.model.features], axis=1)


def program(arguments):
    """Runs the program with --json and returns what it says."""
    path = os.environ.get("SLUICE") or shutil.which("sluice")
    if not path:
        raise FileNotFoundError("there is no program sluice on the path: install it, or say where it is by the variable SLUICE")
    if not shutil.which(path):
        raise FileNotFoundError(f"there is no program {path}, which the variable SLUICE names")
    done = subprocess.run([path, "--json"] + arguments, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"sluice ended with {done.returncode}")
    return json.loads(done.stdout)


# Files and tables


def _read(path):
    with open(path, "rb") as f:
        first = f.read(8)
        size = struct.unpack("<Q", first)[0] if len(first) == 8 else 0
        text = f.read(size) if 0 < size <= os.fstat(f.fileno()).st_size else b""
        data = f.read()
    try:
        header = json.loads(text)
        meta = header.pop("__metadata__", {})
    except (ValueError, AttributeError):
        meta = {}
    if meta.get("format") != "sluice-model":
        raise ValueError(f"{path}: not a model of sluice")
    tensors = {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(t["shape"]).astype(float)
    return meta, tensors


def _columns(events, names, n=None):
    """The columns of these names, of a table of any sort, of n values or as many as the longest has; one value is that of all."""
    if hasattr(events, "keys") or hasattr(events, "columns") or getattr(getattr(events, "dtype", None), "names", None):
        there = getattr(getattr(events, "dtype", None), "names", None) or list(events.keys())
        lacking = [n for n in names if n not in there]
        if lacking:
            raise KeyError(f"there is no column {', '.join(map(str, lacking))}; there are {', '.join(map(str, there))}")
        found = [np.asarray(events[n]) for n in names]
    else:
        table = np.asarray(events)
        if table.ndim != 2 or table.shape[1] != len(names):
            raise ValueError(f"an array of shape {table.shape} does not hold the columns {names}")
        found = [table[:, i] for i in range(len(names))]
    found = [np.atleast_1d(c) for c in found]
    n = max((len(c) for c in found if len(c) != 1), default=1) if n is None else n
    for name, c in zip(names, found):
        if len(c) not in (1, n):
            raise ValueError(f"column {name} has {len(c)} values and there are {n} events: give as many, or one")
    return [np.broadcast_to(c, (n,)) for c in found]


def _named(x, prefix="x"):
    if hasattr(x, "keys") or hasattr(x, "columns"):
        return {str(k): np.asarray(x[k]) for k in x.keys()}
    table = np.asarray(x, float)
    return {f"{prefix}{i}": table[:, i] for i in range(table.shape[1])}


def _like(given, found):
    if hasattr(given, "iloc"):
        return type(given)(found)
    return found


def _listed(values):
    """A line of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


def _write(path, columns):
    with open(path, "w", encoding="utf-8", newline="") as f:
        csv.writer(f, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(columns)
        csv.writer(f, lineterminator="\n").writerows(zip(*(np.asarray(c).tolist() for c in columns.values())))


def _table(path):
    with open(path, newline="", encoding="utf-8") as f:
        rows = list(csv.reader(f))
    found = {}
    for name, values in zip(rows[0], zip(*rows[1:])):
        try:
            found[name] = np.array([float(v) if v else math.nan for v in values])
        except ValueError:
            found[name] = np.array(values)
    return found


# Preparation: columns of the user to those of the flow, in float64


class _Preparation:
    def __init__(self, record):
        self.columns = record["columns"] or []
        if record.get("marks") or record.get("sets"):
            raise Unsupported("marks of several columns" if record.get("marks") else "sets of objects")
        self.steps = {}
        for c in self.columns:
            for key in ("told", "marked", "own", "names", "missing"):
                if c.get(key):
                    raise Unsupported(f"column {c['name']} has values that are told apart ({key})")
            if c.get("origin") and any(np.atleast_1d(list(c["origin"].values()) if isinstance(c["origin"], dict) else c["origin"])):
                raise Unsupported(f"column {c['name']} counts from {c['origin']}")
            self.steps[c["name"]] = [_step(s) for s in c.get("steps") or []]

    def apply(self, columns):
        """(events, columns of the flow), and log|dy/dx| of each event."""
        n = len(columns[0]) if columns else 0
        log_det, out = np.zeros(n), []
        for c, x in zip(self.columns, columns):
            try:
                x = np.asarray(x, float)
            except (ValueError, TypeError) as e:
                raise ValueError(f"column {c['name']}: {e}") from None
            if not np.all(np.isfinite(x)):
                raise ValueError(f"column {c['name']}: row {int(np.argmin(np.isfinite(x))) + 1} is {x[np.argmin(np.isfinite(x))]}")
            if not self.steps[c["name"]]:
                continue
            for step in self.steps[c["name"]]:
                x, slope = step.apply(x)
                log_det = log_det + slope
            out.append(np.float32(x))  # as the program has them
        return (np.stack(out, axis=1).astype(float) if out else np.zeros((n, 0))), log_det

    def invert(self, y):
        found, k = {}, 0
        for c in self.columns:
            if c.get("follows"):
                continue
            if not self.steps[c["name"]]:
                found[c["name"]] = np.full(len(y), c["min"])
                continue
            x = y[:, k]
            for step in reversed(self.steps[c["name"]]):
                x = step.invert(x)
            found[c["name"]], k = x, k + 1
        for c in self.columns:
            if c.get("follows"):
                found[c["name"]] = _follow(c["follows"], found)
        return {c["name"]: found[c["name"]] for c in self.columns}


def _follow(relation, found):
    if relation.get("table"):
        raise Unsupported("a column that another tells")
    return relation["constant"] + sum(t["factor"] * found[t["column"]] for t in relation["terms"])


def _step(record):
    kind = _STEPS.get(record["kind"])
    if kind is None:
        raise Unsupported(f"the preparation {record['kind']}")
    return kind(**record["state"])


class _Linear:
    """y = (x - shift)/unit."""

    def __init__(self, shift, unit):
        self.shift, self.unit = shift, unit

    def apply(self, x):
        return (x - self.shift) / self.unit, -math.log(self.unit)

    def invert(self, y):
        return y * self.unit + self.shift


class _Clip:
    def __init__(self, b):
        self.b = b

    def apply(self, x):
        return np.clip(x, 0, 1) * (1 - self.b) + self.b / 2, math.log1p(-self.b)

    def invert(self, y):
        return np.clip((y - self.b / 2) / (1 - self.b), 0, 1)


class _Logit:
    def apply(self, x):
        x = np.clip(x, 2.0**-53, 1 - 2.0**-53)
        a, b = np.log(x), np.log1p(-x)
        return a - b, -a - b

    def invert(self, y):
        e = np.exp(-np.abs(y))
        return np.where(y < 0, e, 1) / (1 + e)


class _Log:
    def __init__(self, offset, floor):
        self.offset, self.floor, self.low = offset, floor, math.log(floor)

    def apply(self, x):
        v = x + self.offset
        y = np.log(np.maximum(v, self.floor))
        return np.where(v < self.floor, self.low + v / self.floor - 1, y), -y

    def invert(self, y):
        x = np.exp(np.clip(y, self.low, 88))
        return np.where(y < self.low, self.floor * (1 + y - self.low), x) - self.offset


class _Asinh:
    def __init__(self, centre, scale):
        self.centre, self.scale = centre, scale

    def apply(self, x):
        t = (x - self.centre) / self.scale
        return np.arcsinh(t), -math.log(self.scale) - np.log(np.hypot(1, t))

    def invert(self, y):
        return self.centre + self.scale * np.sinh(np.clip(y, -88, 88))


class _Round:
    def __init__(self, step, offset=0.0):
        self.step, self.offset = step, offset

    def apply(self, x):
        return x, 0.0

    def invert(self, y):
        return np.round((y - self.offset) / self.step) * self.step + self.offset


class _Periodic:
    def __init__(self, low, high, cut, filled=0.0, circle=False):
        self.low, self.high, self.cut, self.filled = low, high, cut, filled
        self.unit, self.start = (1 / (2 * math.pi), 0.5) if circle else (filled or 1.0, 0.0)

    def apply(self, x):
        turn = self.high - self.low
        y = np.fmod(x - self.cut, turn) / turn
        y = np.where(y < 0, y + 1, y)
        y = np.minimum(y, 1 - 2.0**-53) if not self.filled else np.where(y > (1 + self.filled) / 2, y - 1, y)
        return (y - self.start) / self.unit, -math.log(turn * self.unit)

    def invert(self, y):
        turn = self.high - self.low
        x = self.cut + np.mod(y * self.unit + self.start, 1) * turn
        return np.clip(np.where(x >= self.high, x - turn, x), self.low, self.high)


class _Quantile:
    """To a standard normal: a rational-quadratic spline between knots, and power laws beyond."""

    def __init__(self, x, y, slope, lower, upper, knots=0, edge_low=False, edge_high=False):
        self.x, self.y, self.slope = np.array(x), np.array(y), np.array(slope)
        self.tails, self.edges = (lower, upper), (edge_low, edge_high)
        self.width, self.height = np.diff(self.x), np.diff(self.y)

    def _bin(self, k):
        """Height and width of bins, and a and b, the slopes at their ends in units of the secant."""
        w, h = self.width[k], self.height[k]
        return w, h, self.slope[k] * w / h, self.slope[k + 1] * w / h

    def apply(self, x):
        k = np.clip(np.searchsorted(self.x, x, side="right") - 1, 0, len(self.x) - 2)
        w, h, a, b = self._bin(k)
        t = np.clip((x - self.x[k]) / w, 0, 1)
        u, den = t * (1 - t), 1 + (a + b - 2) * t * (1 - t)
        y = self.y[k] + h * (t * t + a * u) / den
        log_slope = np.log(h / w * (b * t * t + 2 * u + a * (1 - t) ** 2) / den**2)
        for i, beyond in ((0, x < self.x[0]), (-1, x > self.x[-1])):
            if np.any(beyond):
                top, index = abs(self.y[i]), self.tails[i]
                far = np.log1p(np.abs(x[beyond] - self.x[i]) * self.slope[i] * top / index)
                size = np.sqrt(top * top + 2 * index * far)
                y[beyond], log_slope[beyond] = math.copysign(1, self.y[i]) * size, np.log(self.slope[i] * top / size) - far
        return y, log_slope

    def invert(self, y):
        k = np.clip(np.searchsorted(self.y, y, side="right") - 1, 0, len(self.x) - 2)
        w, h, a, b = self._bin(k)
        r = np.clip(y - self.y[k], 0, h)
        e = r * (a + b - 2)
        p, q = h - a * h + e, a * h - e
        x = self.x[k] + w * np.minimum(2 * r / (q + np.sqrt(np.maximum(q * q + 4 * p * r, 0))), 1)
        for i, beyond in ((0, y < self.y[0]), (-1, y > self.y[-1])):
            if np.any(beyond):
                top, index, sign = abs(self.y[i]), self.tails[i], math.copysign(1, self.y[i])
                far = np.minimum((np.abs(y[beyond]) - top) * (np.abs(y[beyond]) + top) / (2 * index), 88)
                x[beyond] = self.x[i] + sign * np.expm1(far) * index / (self.slope[i] * top)
                if self.edges[i]:
                    x[beyond] = self.x[0] if i == 0 else self.x[-1] - 1e-9 * (self.x[-1] - self.x[0])
        return x


_STEPS = {
    "minmax": lambda min, max: _Linear(min, max - min),
    "standardise": lambda mean, std: _Linear(mean, std),
    "clip": _Clip, "logit": _Logit, "log": _Log, "asinh": _Asinh, "round": _Round, "periodic": _Periodic, "quantile": _Quantile,
}


# Densities


def _density(record, tensors, seed, prefix=""):
    kind = record.get("kind", "flow")
    if kind == "ensemble":
        seeds = record["spec"]["seeds"]
        return _Ensemble([_density(part, tensors, seeds[i], f"{prefix}parts.{i}.") for i, part in enumerate(record["parts"])])
    if kind != "flow":
        raise Unsupported(f"a density of the kind {kind}")
    own = {name[len(prefix):]: v for name, v in tensors.items() if name.startswith(prefix)}
    return _Flow(record["spec"], record["features"], record["context"], own, seed)


class _Ensemble:
    """The mean of densities."""

    def __init__(self, members):
        self.members = members

    def log_prob(self, x, c):
        each = np.stack([m.log_prob(x, c) for m in self.members])
        top = each.max(axis=0)
        return top + np.log(np.mean(np.exp(each - top), axis=0))

    def to_latent(self, x, c):
        raise Unsupported("an ensemble has no latent")

    to_data = to_latent

    def sample(self, n, c, random):
        of, x = random.integers(len(self.members), size=n), None
        for i, m in enumerate(self.members):
            rows = np.flatnonzero(of == i)
            drawn = m.sample(len(rows), c[rows], random)
            x = np.empty((n, drawn.shape[1])) if x is None else x
            x[rows] = drawn
        return x


class _Flow:
    """Layers from data to latent, and the base."""

    def __init__(self, spec, features, context, tensors, seed):
        self.features, self.layers = features, []
        site = _Site(features, seed)
        self.embedding, seen = None, context
        if spec.get("context_net"):
            kind, options = _part(spec["context_net"])
            if kind != "mlp":
                raise Unsupported(f"a context seen through {kind}")
            self.embedding = _MLP(tensors, "context_net", options, 0)
            seen = options.get("out", 16)
        for i in range(spec.get("repeat", 1)):
            used, parts = {}, list(spec["layers"])
            if i + 1 < spec.get("repeat", 1):
                parts += spec.get("between") or []
            for part in parts:
                kind, options = _part(part)
                if kind not in _LAYERS:
                    raise Unsupported(f"a layer {kind}")
                role, build = _LAYERS[kind]
                scope = f"transforms.{i}.{_scope(kind, role, used)}".rstrip(".")
                self.layers.append(build(site, options, tensors, scope, seen))
        self.base = _bases(spec, features, tensors, seen, {int(k): b for k, b in site.bounds.items()})

    def _see(self, c):
        return self.embedding(c, c[:, :0]) if self.embedding else c

    def to_latent(self, x, c):
        x, c, log_det = np.array(x, float), self._see(c), np.zeros(len(x))
        for layer in self.layers:
            x, d = layer.to_latent(x, c)
            log_det = log_det + d
        return x, log_det

    def to_data(self, z, c):
        z, c = np.array(z, float), self._see(c)
        for layer in reversed(self.layers):
            z = layer.to_data(z, c)
        return z

    def log_prob(self, x, c):
        z, log_det = self.to_latent(x, c)
        seen = self._see(c)
        return log_det + sum(b.log_prob(z[:, f], seen) for f, b in self.base)

    def sample(self, n, c, random):
        z, seen = np.empty((n, self.features)), self._see(c)
        for f, b in self.base:
            z[:, f] = b.sample(n, len(f), seen, random)
        return self.to_data(z, c)


def _part(part):
    """Kind and options of a part, which is a name or {name: options}."""
    if isinstance(part, str):
        return part, {}
    (kind, options), = part.items()
    if kind in ("linear", "norm") and isinstance(options, (str, dict)):
        return _part(options)
    return kind, options or {}


def _scope(kind, role, used):
    key = role if role in ("linear", "norm", "conditional") else kind
    name = role if role in ("linear", "norm") else kind
    used[key] = used.get(key, 0) + 1
    if used[key] > 1:
        return f"{name}{used[key]}"
    return "" if role == "conditional" else name


class _Site:
    """The order of the features on the way through a flow, and the random numbers of permutations: Philox4x32-10."""

    def __init__(self, features, seed):
        self.order, self.seed, self.conditionals, self.bounds = list(range(features)), seed, 0, {}
        self.source = _Source(seed, 2, 0)

    def permute(self, how, kept=0):
        if how == "random" and kept > 0 and self.conditionals % 2 == 0:
            self.order = self.order[kept:] + self.order[:kept]
        elif how == "random":
            self.order = [self.order[k] for k in self.source.permutation(len(self.order))]
        elif how == "reverse":
            self.order = self.order[::-1]


class _Source:
    def __init__(self, seed, stream, sub):
        self.seed, self.stream, self.sub, self.n, self.spare = seed, stream, sub, 0, None

    def bits(self):
        if self.spare is not None:
            v, self.spare = self.spare, None
            return v
        a, b, c, d = _philox(self.seed, self.n & 0xFFFFFFFF, self.n >> 32, self.sub, self.stream)
        self.n, self.spare = self.n + 1, c << 32 | d
        return a << 32 | b

    def uniform(self):
        return ((self.bits() >> 12) + 0.5) * 2.0**-52

    def normal(self):
        r = math.sqrt(-2 * math.log(self.uniform()))
        return r * math.cos(2 * math.pi * self.uniform())

    def below(self, n):
        product = self.bits() * n
        if product & (1 << 64) - 1 < n:
            least = (1 << 64) % n
            while product & (1 << 64) - 1 < least:
                product = self.bits() * n
        return product >> 64

    def permutation(self, n):
        p = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.below(i + 1)
            p[i], p[j] = p[j], p[i]
        return p


def _philox(key, c0, c1, c2, c3):
    k0, k1, low = key & 0xFFFFFFFF, key >> 32, 0xFFFFFFFF
    for _ in range(10):
        a, b = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = b >> 32 ^ c1 ^ k0, b & low, a >> 32 ^ c3 ^ k1, a & low
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    return c0, c1, c2, c3


# Networks


def _activation(name):
    return {"relu": lambda h: np.maximum(h, 0), "tanh": np.tanh, "elu": lambda h: np.where(h > 0, h, np.expm1(np.minimum(h, 0)))}[name]


def _line(tensors, scope):
    """Weight and bias of h @ weight + bias; a file has a matrix of one column as a vector."""
    bias = tensors[scope + ".bias"].reshape(-1)
    return tensors[scope + ".weight"].reshape(len(bias), -1).T, bias


class _MLP:
    """Each layer sees the context before what comes from the one below, or the first alone. Masks are zeros of the weights."""

    def __init__(self, tensors, scope, options, context):
        self.layers, i = [], 0
        while f"{scope}.{i}.weight" in tensors:
            self.layers.append(_line(tensors, f"{scope}.{i}"))
            i += 1
        self.f, self.first = _activation(options.get("activation", "relu")), options.get("context", "all") == "first"

    def __call__(self, x, c):
        h = x
        for i, (w, b) in enumerate(self.layers):
            if c.shape[1] and (i == 0 or not self.first):
                h = np.concatenate([c, h], axis=1)
            h = h @ w + b
            if i + 1 < len(self.layers):
                h = self.f(h)
        return h


class _Residual:
    def __init__(self, tensors, scope, options, context):
        t = lambda name: tensors[f"{scope}.{name}"]
        line = lambda name: _line(tensors, f"{scope}.{name}")
        self.first, self.last, self.blocks = line("first.0"), line("last.0"), []
        self.f = _activation(options.get("activation", "relu"))
        for i in range(options.get("blocks", 2)):
            norms = [None, None]
            for j in range(2):
                if options.get("batch_norm"):
                    gamma, beta, mean, var = (t(f"{i}.norms.{j}.{k}").reshape(-1) for k in ("gamma", "beta", "mean", "variance"))
                    slope = gamma / np.sqrt(var)
                    norms[j] = (slope, beta - mean * slope)
            gate = line(f"{i}.gate.0") if context else None
            self.blocks.append((norms, [line(f"{i}.linears.{j}") for j in range(2)], gate))

    def __call__(self, x, c):
        h = np.concatenate([c, x], axis=1) @ self.first[0] + self.first[1]
        for norms, linears, gate in self.blocks:
            r = h
            for norm, (w, b) in zip(norms, linears):
                r = self.f(r if norm is None else r * norm[0] + norm[1]) @ w + b
            h = h + (r if gate is None else r / (1 + np.exp(-(c @ gate[0] + gate[1]))))
        return h @ self.last[0] + self.last[1]


# Layers: each takes (events, features) to latent with log|det|, and back


class _Conditional:
    """A coupling, or an autoregressive transform: features in groups, moved one after another given those before."""

    def __init__(self, site, options, tensors, scope, context, kept, ends, permute):
        self.order, self.kept = list(site.order), kept
        self.ends, self.moved = ends, self.order[kept:]
        default, own = options.get("transformer", "spline"), options.get("transformers") or {}
        self.maps = [_transformer(own.get(str(f), default)) for f in self.order]
        for f, m in zip(self.order, self.maps):
            if m.bound:
                site.bounds[f] = max(m.bound, site.bounds.get(f, 0))
        self.at = np.cumsum([0] + [m.size for m in self.maps[kept:]])
        kind, net = _part(options.get("net", "mlp"))
        self.net = (_MLP if kind == "mlp" else _Residual)(tensors, scope, net, context)
        site.permute(options.get("permute", permute), kept)
        site.conditionals += 1

    def see(self, x):
        seen = self.order[: self.kept] if self.kept else self.order
        columns = []
        for f, m in zip(seen, self.maps):
            if m.circle:
                angle = np.pi * x[:, f] / m.circle
                columns += [np.cos(angle), np.sin(angle)]
            else:
                columns.append(x[:, f])
        return np.stack(columns, axis=1)

    def parameters(self, h, j):
        return h[:, self.at[j]: self.at[j + 1]]

    def to_latent(self, x, c):
        h, z, log_det = self.net(self.see(x), c), x.copy(), 0.0
        for j, f in enumerate(self.moved):
            z[:, f], d = self.maps[self.kept + j].to_latent(x[:, f], self.parameters(h, j))
            log_det = log_det + d
        return z, log_det

    def to_data(self, z, c):
        x, begin = z.copy(), 0
        if not self.kept:
            x[:, self.moved] = 0  # what is not known yet has weights of zero
        for end in self.ends:
            h = self.net(self.see(x), c)
            for j in range(begin, end):
                x[:, self.moved[j]] = self.maps[self.kept + j].to_data(z[:, self.moved[j]], self.parameters(h, j))
            begin = end
        return x


def _coupling(site, options, tensors, scope, context):
    n = len(site.order)
    return _Conditional(site, options, tensors, scope, context, n // 2, [n - n // 2], "random")


def _autoregressive(site, options, tensors, scope, context):
    n = len(site.order)
    groups = options.get("passes") or n
    return _Conditional(site, options, tensors, scope, context, 0, [(g + 1) * n // groups for g in range(groups)], "reverse")


def _transformer(part):
    kind, options = _part(part)
    if kind not in _TRANSFORMERS:
        raise Unsupported(f"the transformer {kind}")
    return _TRANSFORMERS[kind](options)


class _Affine:
    size, bound, circle = 2, None, None

    def __init__(self, options, scale_first):
        self.bounded, self.scale_first = options.get("log_scale", "tanh"), scale_first

    def scale(self, h):
        raw = h[:, 1]
        return {"tanh": np.tanh, "soft": lambda r: r / (1 + np.abs(r) / 5), "clamp": lambda r: 1.9 * 2 / np.pi * np.arctan(r / 1.9),
                "sigmoid": lambda r: np.log(1 / (1 + np.exp(-(r + 2))) + 1e-3), "none": lambda r: r}[self.bounded](raw)

    def to_latent(self, x, h):
        s = self.scale(h)
        return (x * np.exp(s) + h[:, 0], s) if self.scale_first else ((x - h[:, 0]) * np.exp(-s), -s)

    def to_data(self, z, h):
        s = self.scale(h)
        return (z - h[:, 0]) * np.exp(-s) if self.scale_first else z * np.exp(s) + h[:, 0]


class _Spline:
    """Rational quadratics on [-bound, bound] (Durkan et al., arXiv:1906.04032); of a circle (arXiv:2002.02428) one slope at both ends, and a phase."""

    def __init__(self, options, circular):
        self.bins, self.bound = options.get("bins", 8), float(np.float32(options.get("bound", math.pi if circular else 5)))
        self.circle, self.size = (self.bound if circular else None), 3 * self.bins + (1 if circular else -1)

    def knots(self, h):
        k = self.bins
        at = []
        for raw in (h[:, :k], h[:, k: 2 * k]):
            soft = np.exp(raw - raw.max(axis=1, keepdims=True))
            size = 2 * self.bound * (1e-3 + (1 - 1e-3 * k) * soft / soft.sum(axis=1, keepdims=True))
            at.append(np.concatenate([np.zeros((len(h), 1)), np.cumsum(size, axis=1)], axis=1) - self.bound)
        slope = 1e-3 + np.logaddexp(0, h[:, 2 * k: 3 * k - 1])
        end = 1e-3 + np.logaddexp(0, h[:, 3 * k - 1: 3 * k]) if self.circle else np.ones((len(h), 1))
        return at[0], at[1], np.concatenate([end, slope, end], axis=1)

    def bin(self, knots, v, by):
        i = np.sum(v[:, None] >= knots[by][:, 1:-1], axis=1)
        rows = np.arange(len(v))
        x, y, d = knots
        return x[rows, i], x[rows, i + 1] - x[rows, i], y[rows, i], y[rows, i + 1] - y[rows, i], d[rows, i], d[rows, i + 1]

    def wrap(self, v):
        return np.clip(v - 2 * self.bound * np.round(v / (2 * self.bound)), -self.bound, self.bound)

    def to_latent(self, x, h):
        inside = np.abs(x) <= self.bound
        v = np.where(inside, x, 0)
        if self.circle:
            v = np.where(inside, self.wrap(v + self.wrap(h[:, -1])), 0)
        xk, w, yk, height, d0, d1 = self.bin(self.knots(h), v, 0)
        t, s = np.clip((v - xk) / w, 0, 1), height / w
        q = t * (1 - t)
        den = s + (d0 + d1 - 2 * s) * q
        z = yk + height * (s * t * t + d0 * q) / den
        log = np.log((d1 * t * t + 2 * s * q + d0 * (1 - t) ** 2) * (s / den) ** 2)
        return np.where(inside, np.clip(z, -self.bound, self.bound), x), np.where(inside, log, 0)

    def to_data(self, z, h):
        inside = np.abs(z) <= self.bound
        v = np.where(inside, z, 0)
        xk, w, yk, height, d0, d1 = self.bin(self.knots(h), v, 1)
        s, dy = height / w, v - yk
        curve = d0 + d1 - 2 * s
        a, b, c = dy * curve + height * (s - d0), height * d0 - dy * curve, -s * dy
        t = np.clip(2 * c / (-b - np.sqrt(np.maximum(b * b - 4 * a * c, 0))), 0, 1)
        x = np.clip(xk + t * w, -self.bound, self.bound)
        if self.circle:
            x = self.wrap(x - self.wrap(h[:, -1]))
        return np.where(inside, x, z)


_TRANSFORMERS = {
    "affine": lambda o: _Affine(o, False), "scale-shift": lambda o: _Affine(o, True),
    "spline": lambda o: _Spline(o, False), "circular-spline": lambda o: _Spline(o, True),
}


class _Map:
    """z = A x + b of the features in an order."""

    def __init__(self, order, matrix, bias, log_det):
        self.order, self.matrix, self.bias, self.log_det = order, matrix, bias, log_det

    def to_latent(self, x, c):
        z = x.copy()
        z[:, self.order] = x[:, self.order] @ self.matrix.T + self.bias
        return z, self.log_det

    def to_data(self, z, c):
        x = z.copy()
        x[:, self.order] = np.linalg.solve(self.matrix, (z[:, self.order] - self.bias).T).T
        return x


def _lu(site, options, tensors, scope, context):
    m, order = tensors[scope + ".lu"].reshape(len(site.order), -1), list(site.order)
    diagonal = np.logaddexp(0, np.diag(m)) + 1e-3
    site.permute(options.get("permute", "none"))
    matrix = (np.tril(m, -1) + np.eye(len(m))) @ (np.triu(m, 1) + np.diag(diagonal))
    return _Map(order, matrix, tensors[scope + ".bias"].reshape(-1), float(np.sum(np.log(diagonal))))


def _householder(site, options, tensors, scope, context):
    n = len(site.order)
    matrix = np.eye(n)
    for w in tensors[scope + ".vectors"].reshape(-1, n):
        norm = np.linalg.norm(w)
        if norm > 0:
            w = w / norm
            matrix = matrix - 2 * np.outer(w, w @ matrix)
    return _Map(list(site.order), matrix, np.zeros(n), 0.0)


def _rotation(site, options, tensors, scope, context):
    n, source = len(site.order), _Source(site.source.bits(), 2, 1)
    q = np.empty((n, n))
    for i in range(n):
        q[i] = [source.normal() for _ in range(n)]
        for _ in range(2):
            for o in q[:i]:
                q[i] -= (q[i] @ o) * o
        q[i] /= np.linalg.norm(q[i])
    return _Map(list(site.order), q, np.zeros(n), 0.0)


def _permutation(site, options, tensors, scope, context):
    n = len(site.order)
    site.permute(options.get("order", "random"))
    return _Map(list(range(n)), np.eye(n), np.zeros(n), 0.0)


def _act_norm(site, options, tensors, scope, context):
    s = np.clip(tensors[scope + ".log_scale"].reshape(-1), -60, 60)
    return _Map(list(range(len(s))), np.diag(np.exp(s)), tensors[scope + ".shift"].reshape(-1), float(s.sum()))


def _batch_norm(site, options, tensors, scope, context):
    gamma, beta, mean, var = (tensors[f"{scope}.{k}"].reshape(-1) for k in ("log_gamma", "beta", "mean", "variance"))
    s = gamma - np.log(var) / 2
    return _Map(list(range(len(s))), np.diag(np.exp(s)), beta - mean * np.exp(s), float(s.sum()))


_LAYERS = {
    "coupling": ("conditional", _coupling), "autoregressive": ("conditional", _autoregressive), "lu": ("linear", _lu),
    "householder": ("linear", _householder), "rotation": ("linear", _rotation), "permutation": ("linear", _permutation),
    "act-norm": ("norm", _act_norm), "batch-norm": ("norm", _batch_norm),
}


# Bases


def _bases(spec, features, tensors, context, bounds):
    own = spec.get("bases") or {}
    rest = [f for f in range(features) if str(f) not in own]
    parts = [(rest, spec.get("base", "normal"), "base")] if rest else []
    parts += [([int(k)], own[k], f"bases.{k}") for k in sorted(own)]
    made = []
    for f, part, scope in parts:
        kind, options = _part(part)
        if kind not in _BASES:
            raise Unsupported(f"the base {kind}")
        made.append((f, _BASES[kind](f, options, tensors, scope, bounds)))
    return made


class _Normal:
    def __init__(self, f, options, tensors, scope, bounds):
        pass

    def log_prob(self, z, c):
        return -0.5 * np.sum(z * z, axis=1) - z.shape[1] * _LOG_ROOT

    def sample(self, n, d, c, random):
        return random.standard_normal((n, d))


_LOG_ROOT = 0.5 * math.log(2 * math.pi)


class _Mixture:
    def __init__(self, f, options, tensors, scope, bounds):
        raw = tensors[scope + ".weight"].reshape(-1)
        self.weight = np.exp(raw - raw.max())
        self.weight /= self.weight.sum()
        self.mean, log_width = (tensors[f"{scope}.{k}"].reshape(len(raw), -1) for k in ("mean", "log_width"))
        self.width = np.exp(np.minimum(log_width, 20)) + 1e-3

    def log_prob(self, z, c):
        r = (z[:, None, :] - self.mean) / self.width
        each = np.log(self.weight) - np.sum(r * r / 2 + np.log(self.width) + _LOG_ROOT, axis=2)
        top = each.max(axis=1)
        return top + np.log(np.sum(np.exp(each - top[:, None]), axis=1))

    def sample(self, n, d, c, random):
        k = random.choice(len(self.weight), size=n, p=self.weight)
        return random.standard_normal((n, d)) * self.width[k] + self.mean[k]


class _StudentT:
    def __init__(self, f, options, tensors, scope, bounds):
        self.nu = np.exp(np.minimum(tensors[scope + ".log_nu"].reshape(-1), 40)) + 1e-2
        self.norm = np.array([math.lgamma((v + 1) / 2) - math.lgamma(v / 2) - 0.5 * math.log(v * math.pi) for v in self.nu])

    def log_prob(self, z, c):
        return np.sum(self.norm - 0.5 * (self.nu + 1) * np.log1p(z * z / self.nu), axis=1)

    def sample(self, n, d, c, random):
        return random.standard_t(self.nu, size=(n, d))


class _Box:
    def __init__(self, f, options, tensors, scope, bounds):
        self.bound = np.array([options.get("bound") or bounds.get(i, 0) for i in f], float)
        if not np.all(self.bound > 0):
            raise Unsupported("a box whose bounds follow from other layers than splines")

    def log_prob(self, z, c):
        log = np.full(len(z), -np.sum(np.log(2 * self.bound)))
        return np.where(np.all(np.abs(z) <= self.bound * (1 + 1e-6), axis=1), log, -np.inf)

    def sample(self, n, d, c, random):
        return random.uniform(-1, 1, (n, d)) * self.bound


class _ConditionalNormal:
    def __init__(self, f, options, tensors, scope, bounds):
        kind, net = _part(options.get("net", "mlp"))
        if kind != "mlp":
            raise Unsupported(f"a base with a network {kind}")
        self.net = _MLP(tensors, scope, net, 0)

    def moments(self, c):
        h = self.net(c[:, :0], c)
        d = h.shape[1] // 2
        return h[:, :d], h[:, d:] / (1 + np.abs(h[:, d:]) / 5)

    def log_prob(self, z, c):
        mean, s = self.moments(c)
        r = (z - mean) * np.exp(-s)
        return -np.sum(r * r / 2 + s + _LOG_ROOT, axis=1)

    def sample(self, n, d, c, random):
        mean, s = self.moments(c)
        return mean + random.standard_normal((n, d)) * np.exp(s)


_BASES = {"normal": _Normal, "mixture": _Mixture, "student-t": _StudentT, "box": _Box, "conditional-normal": _ConditionalNormal}
