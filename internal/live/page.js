"use strict";
const $ = (id) => document.getElementById(id);
const stages = { read: "reading events", survey: "looking through the events", prepare: "preparing columns", train: "training", sample: "drawing events", compare: "comparing", report: "writing the report" };

// What is known: a course for each flow and member, in the order in which they came.
let courses, title, stage, last, heard, over, atWork;

function forget() {
  courses = new Map(); title = "Training"; stage = ""; last = null; heard = 0; over = ""; atWork = false;
  $("lines").replaceChildren(); $("pictures").replaceChildren(); $("notices").hidden = true; $("report").hidden = true;
  for (const id of ["epoch", "loss", "valid", "lr", "rate", "left"]) $(id).textContent = "–";
}

function take(line) {
  heard = line.time * 1000;
  switch (line.kind) {
    case "begin": title = line.title || "Training"; over = ""; atWork = false; break;
    case "stage": stage = line.text; break;
    case "notice": case "warning": note(line); break;
    case "end": over = { done: "The training has ended", interrupted: "Interrupted; the same command goes on from here", failed: "Failed: " + (line.text || "") }[line.how] || "Ended"; stage = line.how; break;
    case "at": point(line);
  }
}

function note(line) {
  const li = document.createElement("li");
  li.textContent = line.text;
  if (line.kind === "warning") li.className = "warning";
  $("lines").append(li);
  $("notices").hidden = false;
}

// point adds where the training stands. After a resumption, what was beyond is trained anew.
function point(line) {
  last = line; atWork = true;
  const key = (line.flow || "") + "/" + (line.member || 0);
  if (!courses.has(key)) courses.set(key, { name: name(line), train: [], valid: [], lr: [], rate: [] });
  const c = courses.get(key);
  const x = line.ended ? line.epoch : line.epoch - 1 + (line.steps ? line.step / line.steps : 0);
  for (const list of [c.train, c.valid, c.lr, c.rate]) while (list.length && list[list.length - 1][0] >= x) list.pop();
  if (line.loss !== undefined) c.train.push([x, line.loss]);
  if (line.valid !== undefined) c.valid.push([x, line.valid]);
  if (line.lr !== undefined) c.lr.push([x, line.lr]);
  if (line.rate !== undefined) c.rate.push([x, line.rate]);
}

function name(line) {
  return [line.flow, line.members ? "member " + line.member + " of " + line.members : ""].filter(Boolean).join(", ");
}

const digits = (v) => v === undefined ? "–" : v.toFixed(Math.abs(v) < 1000 ? 4 : 1);
const short = (v) => v === undefined ? "–" : v >= 1e6 ? (v / 1e6).toFixed(2) + " M" : v >= 1e4 ? Math.round(v / 1e3) + " k" : v >= 100 ? String(Math.round(v)) : String(+v.toPrecision(3));

function span(s) {
  if (s === undefined) return "–";
  const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return h ? h + " h " + m + " min" : m ? m + " min " + Math.round(s % 60) + " s" : Math.round(s) + " s";
}

function put(id, value, small) {
  const dd = $(id);
  dd.textContent = value;
  if (small) { const s = document.createElement("small"); s.textContent = small; dd.append(s); }
}

function show() {
  document.title = title + ": " + (over || stages[stage] || "training");
  $("title").textContent = title;
  $("dot").className = "dot " + (over ? { done: "done", failed: "failed" }[stage] || "waits" : atWork ? "training" : "waits");
  const silent = (Date.now() - heard) / 1000;
  let text = over || (atWork ? stages[stage] || "training" : stages[stage] || "waiting for a training");
  if (last && (last.flow || last.members)) text += " (" + name(last) + ")";
  if (!over && heard && silent > 10 && stage === "train") text += "; last heard " + span(silent) + " ago";
  $("status").textContent = text;
  if (!last) return;
  const done = last.ended ? last.epoch : last.epoch - 1 + (last.steps ? last.step / last.steps : 0);
  const share = over === "" || stage !== "done" ? Math.min(100, 100 * done / last.epochs) : 100;
  $("bar").style.width = share + "%";
  $("bar").parentElement.setAttribute("aria-valuenow", Math.round(share));
  put("epoch", last.epoch + " of " + last.epochs, !last.ended && last.steps ? "step " + last.step + " of " + last.steps : "");
  const c = courses.get((last.flow || "") + "/" + (last.member || 0));
  put("loss", digits(last.loss), last.unit);
  put("valid", c.valid.length ? digits(c.valid[c.valid.length - 1][1]) : "–", last.best !== undefined ? "lowest " + digits(last.best) : "");
  put("lr", last.lr === undefined ? "–" : last.lr.toPrecision(3));
  put("rate", short(last.rate));
  put("left", over ? "–" : span(last.left));
}

// A chart is drawn by hand: axes, and lines of points. One of the courses is the one under way, and the others are faint.
const svg = (tag, attributes, text) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const a in attributes) e.setAttribute(a, attributes[a]);
  if (text !== undefined) e.textContent = text;
  return e;
};

function ticks(low, high, n) {
  const raw = (high - low) / n, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((f) => f * power >= raw) * power, all = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step) all.push(Math.abs(v) < 1e-12 * step ? 0 : v);
  return all;
}

function chart(figure, series, options) {
  const width = Math.max(280, figure.clientWidth), height = options.height, left = 58, right = 14, top = 10, bottom = 34;
  const all = series.flatMap((s) => s.points);
  figure.replaceChildren();
  if (!all.length) { const p = document.createElement("p"); p.className = "faint"; p.textContent = "Nothing yet."; figure.append(p); return; }
  // Epochs from the first to the last planned; heights without the steepest beginning, which would press the rest together.
  const xs = [0, Math.max(...all.map((p) => p[0]), last ? Math.min(last.epochs, 1.25 * Math.max(...all.map((p) => p[0]), 0.8)) : 1)];
  const ys = all.map((p) => p[1]).sort((a, b) => a - b);
  let low = ys[0], high = options.clip ? ys[Math.min(ys.length - 1, Math.ceil(0.95 * (ys.length - 1)))] : ys[ys.length - 1];
  const newest = series.filter((s) => s.now && s.points.length).map((s) => s.points[s.points.length - 1][1]);
  high = Math.max(high, ...newest);
  if (options.zero) low = 0;
  const room = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
  high += room; if (!options.zero) low -= room;
  const X = (v) => left + (v - xs[0]) / (xs[1] - xs[0]) * (width - left - right), Y = (v) => top + (high - v) / (high - low) * (height - top - bottom);
  const s = svg("svg", { viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": options.label });
  const inside = "inside-" + figure.id, clip = svg("clipPath", { id: inside });
  clip.append(svg("rect", { x: left, y: top, width: width - left - right, height: height - top - bottom }));
  s.append(clip);
  for (const v of ticks(low, high, height > 200 ? 5 : 3)) {
    s.append(svg("line", { x1: left, x2: width - right, y1: Y(v), y2: Y(v), class: "grid-line" }));
    s.append(svg("text", { x: left - 6, y: Y(v) + 4, "text-anchor": "end" }, options.format(v)));
  }
  for (const v of ticks(xs[0], xs[1], Math.min(8, width / 70))) s.append(svg("text", { x: X(v), y: height - bottom + 16, "text-anchor": "middle" }, String(+v.toFixed(6))));
  s.append(svg("text", { x: (left + width - right) / 2, y: height - 2, "text-anchor": "middle" }, "epoch"));
  const g = svg("g", { "clip-path": "url(#" + inside + ")" });
  for (const one of series) {
    const path = one.points.map((p, i) => (i ? "L" : "M") + X(p[0]).toFixed(1) + " " + Y(p[1]).toFixed(1)).join("");
    g.append(svg("path", { d: path, class: one.look + (one.now ? "" : " past") }));
    if (one.points.length < 60 && one.look === "valid") for (const p of one.points) g.append(svg("circle", { cx: X(p[0]), cy: Y(p[1]), r: 2.5, class: "valid" + (one.now ? "" : " past") }));
  }
  s.append(g);
  figure.append(s);
  if (options.key) {
    const ul = document.createElement("ul"); ul.className = "key";
    for (const [look, text] of options.key) { const li = document.createElement("li"), mark = document.createElement("span"); mark.className = look; li.append(mark, text); ul.append(li); }
    figure.append(ul);
  }
}

function draw() {
  const now = last ? (last.flow || "") + "/" + (last.member || 0) : "";
  const of = (list, look) => [...courses].sort((a, b) => (a[0] === now) - (b[0] === now)).map(([key, c]) => ({ points: c[list], look, now: key === now }));
  const unit = last && last.unit ? ", " + last.unit + " per event" : "";
  chart($("losses"), [...of("train", "train"), ...of("valid", "valid")], { height: 300, clip: true, format: short2, label: "Training and validation loss by epoch",
    key: [["train", "training" + unit], ["valid", "validation"]] });
  chart($("lrs"), of("lr", "plain"), { height: 160, zero: true, format: (v) => v ? v.toExponential(1).replace("e-", "e−") : "0", label: "Learning rate by epoch" });
  chart($("rates"), of("rate", "plain"), { height: 160, zero: true, format: short, label: "Events per second by epoch" });
}

const short2 = (v) => String(+v.toPrecision(4)).replace("-", "−");

function pictures(p) {
  $("about").textContent = p.events + " events drawn from the average of the parameters after " + span(p.after) + " of training, over as many that are held out. The training waits for pictures for at most one part in 50 of its time, and only while this page is open.";
  const grid = $("pictures");
  p.columns.forEach((c, i) => {
    let f = grid.children[i];
    if (!f) { f = document.createElement("figure"); grid.append(f); }
    f.innerHTML = c.svg; // made by the program, which escapes what it is given
    f.firstElementChild.setAttribute("aria-label", c.column);
  });
  while (grid.children.length > p.columns.length) grid.lastChild.remove();
}

let waiting = false;
function soon() { // many lines at once are one drawing
  if (waiting) return;
  waiting = true;
  setTimeout(() => { waiting = false; show(); draw(); }, 100);
}

forget();
const events = new EventSource("/events");
events.onmessage = (e) => { take(JSON.parse(e.data)); soon(); };
events.addEventListener("reset", () => { forget(); soon(); });
events.addEventListener("overlays", (e) => pictures(JSON.parse(e.data)));
events.addEventListener("report", () => { $("report").hidden = false; });
events.addEventListener("gone", () => { over = "The process that trained is gone; the same command goes on from its last state"; stage = "interrupted"; soon(); });
events.addEventListener("bye", () => {
  events.close();
  $("report").hidden = true; // whose server is gone
  if (!over) { over = "The program that showed this page has ended"; stage = "interrupted"; }
  soon();
});
events.onerror = () => { if (events.readyState !== EventSource.CLOSED) $("status").textContent = "not connected; trying again"; };
window.addEventListener("resize", soon);
setInterval(() => { if (!over) show(); }, 5000);
