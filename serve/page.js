"use strict";
(() => {
  const $ = id => document.getElementById(id);
  const make = (tag, text, attributes) => {
    const e = document.createElement(tag);
    if (text !== undefined) e.textContent = text;
    for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
    return e;
  };
  const drawn = (tag, attributes, text) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const digits = v => v === null || v === undefined ? "–" : typeof v !== "number" ? String(v) : (Number.isInteger(v) ? String(v) : v !== 0 && Math.abs(v) < 1e-4 ? v.toExponential(3) : String(Number(v.toPrecision(5)))).replaceAll("-", "−");
  const verbs = {
    density: ["Density", "log_prob of each event, in nats per unit of the columns."],
    latent: ["Latent", "z_0, z_1, ... of each event: where the flow takes it, normal for events like those of the training."],
    sample: ["Sample", "Events drawn from the model. The same seed gives the same events."],
    posterior: ["Posterior", "Parameters given what is observed: median, intervals of 68 and 95 %, and an alarm where the model does not know such an observation."],
  };
  let models = [], model, verb, round = 0;

  const headers = more => {
    const h = Object.assign({}, more);
    if ($("token").value) h.Authorization = "Bearer " + $("token").value;
    return h;
  };
  const trouble = text => { $("trouble").hidden = !text; $("trouble").textContent = text || ""; };

  async function load() {
    let r;
    try { r = await fetch("v1/models", { headers: headers() }); } catch (e) { return trouble("The server does not answer: " + e.message); }
    if (r.status === 401) {
      trouble($("token").value ? "This is not the token of the server." : "");
      $("entry").hidden = false;
      return $("token").focus();
    }
    if (!r.ok) return trouble("The server answers with status " + r.status + ".");
    models = (await r.json()).models;
    trouble("");
    $("entry").hidden = true;
    $("work").hidden = false;
    $("model").replaceChildren(...models.map(m => make("option", m.name)));
    choose(models[0]);
  }

  function choose(m) {
    model = m;
    const facts = [["Columns", m.features.length + (m.context.length ? " given " + m.context.length : "")], ["Parameters", m.parameters.toLocaleString("en")]];
    if (m.members) facts.push(["Members of the ensemble", m.members]);
    if (m.selection) facts.push(["Events of the training", m.selection]);
    facts.push(["Hash", m.sha256.slice(0, 12)]);
    $("facts").replaceChildren(...facts.map(([k, v]) => { const d = make("div"); d.append(make("dt", k), make("dd", v)); return d; }));
    const row = given => f => {
      const tr = make("tr"), names = f.names ? f.names.slice(0, 12).join(", ") + (f.names.length > 12 ? " and " + (f.names.length - 12) + " more" : "") : digits(f.range[0]) + " to " + digits(f.range[1]);
      tr.append(make("td", f.name + (given ? " (given)" : "")), make("td", f.unit || ""), make("td", f.kind), make("td", names, f.names ? { class: "names" } : {}));
      return tr;
    };
    $("columns").tBodies[0].replaceChildren(...m.features.map(row(false)), ...m.context.map(row(true)));
    $("verbs").replaceChildren(...Object.keys(verbs).filter(v => m.can.includes(v)).map(v => {
      const b = make("button", verbs[v][0], { type: "button", "data-verb": v });
      b.onclick = () => ask(v);
      return b;
    }));
    ask(m.can.includes(verb) ? verb : m.can[0]);
  }

  // value is one within the trained range of a column, another each time.
  function value(f, i) {
    if (f.names) return f.names[(round + i) % f.names.length];
    const [lo, hi] = f.range, at = lo + (hi - lo) * (0.2 + 0.6 * ((0.5 + 0.61803 * (round * 3 + i)) % 1));
    return f.kind === "continuous" ? Number(at.toPrecision(4)) : Math.round(at);
  }
  const values = (fields, i) => Object.fromEntries(fields.map((f, k) => [f.name, value(f, i + 2 * k)]));

  function ask(v) {
    verb = v;
    for (const b of $("verbs").children) b.setAttribute("aria-pressed", b.dataset.verb === v);
    $("asked").textContent = verbs[v][0];
    $("explained").textContent = verbs[v][1];
    let body;
    if (v === "sample") body = Object.assign({ n: 2000, seed: 1 + round }, model.context.length ? { context: values(model.context, 0) } : {});
    else if (v === "posterior") body = { observed: values(model.context, 0), draws: 5000, columns: true };
    else body = { events: [0, 1, 2].map(i => values(model.features.concat(model.context), i)) };
    $("request").value = JSON.stringify(body, null, 1).replace(/\n {3,}/g, " ").replace(/\n {2}\}/g, " }");
    $("answer").hidden = true;
    $("status").textContent = "";
  }

  async function send() {
    $("send").disabled = true;
    $("status").textContent = "…";
    const path = "v1/models/" + model.name + "/" + verb, began = performance.now();
    try {
      const r = await fetch(path, { method: "POST", headers: headers({ "Content-Type": "application/json" }), body: $("request").value });
      const text = await r.text(), took = performance.now() - began;
      $("status").textContent = r.status + " in " + took.toFixed(took < 10 ? 1 : 0) + " ms, request " + r.headers.get("X-Request-Id");
      show(r.ok, text, path);
    } catch (e) {
      $("status").textContent = "";
      show(false, JSON.stringify({ detail: "The server does not answer: " + e.message }), path);
    }
    $("send").disabled = false;
  }

  function show(ok, text, path) {
    let a;
    try { a = JSON.parse(text); } catch (e) { a = { detail: text.slice(0, 500) }; ok = false; }
    $("answer").hidden = false;
    $("pictures").replaceChildren(); $("rows").replaceChildren(); $("said").replaceChildren(); $("more").textContent = "";
    $("raw").textContent = text.length > 20000 ? text.slice(0, 20000) + " …" : text;
    const token = $("token").value ? " \\\n  -H 'Authorization: Bearer TOKEN'" : "";
    $("command").textContent = "curl -s " + new URL(path, location.href).href + token + " \\\n  -H 'Content-Type: application/json' \\\n  -d '" + compact().replace(/'/g, "'\\''") + "'";
    $("warnings").replaceChildren(...(ok ? a.warnings || [] : []).map(w => make("p", w, { class: "warning" })));
    if (!ok) return $("said").append(make("p", a.detail || text, { class: "trouble" }));
    for (const n of a.notices || []) $("said").append(make("p", n, { class: "faint" }));
    if (verb === "posterior") intervals(a);
    pictures(a);
    rows(a);
  }

  function compact() {
    try { return JSON.stringify(JSON.parse($("request").value)); } catch (e) { return $("request").value; }
  }

  function intervals(a) {
    const t = make("table"), head = make("tr");
    for (const h of ["Parameter", "Unit", "Median", "68 %", "95 %"]) head.append(make("th", h));
    t.append(head);
    const add = (label, p) => {
      for (const [name, v] of Object.entries(p)) {
        const tr = make("tr");
        const shares = v.shares ? Object.entries(v.shares).map(([k, s]) => k + " " + (100 * s).toFixed(1) + " %").join(", ") : null;
        for (const c of [label + name, v.unit || "", shares || digits(v.median), shares ? "" : digits(v.lo68) + " to " + digits(v.hi68), shares ? "" : digits(v.lo95) + " to " + digits(v.hi95)]) tr.append(make("td", c));
        t.append(tr);
      }
    };
    if (a.posterior) add("", a.posterior);
    for (const p of a.posteriors || []) add(p.observation + ": ", p.posterior);
    const box = make("div", undefined, { class: "scroll" });
    box.append(t);
    $("said").append(box);
  }

  const numbers = x => x.filter(v => typeof v === "number");

  function pictures(a) {
    const columns = Object.entries(a.columns || {}).filter(([, x]) => numbers(x).length > 20 && new Set(x).size > 1);
    const features = columns.filter(([name]) => verb !== "density" || name === "log_prob");
    if (features.length > 1 && verb !== "density") $("pictures").append(scatter(features[0], features[1], a.units));
    for (const c of features.slice(0, 12)) $("pictures").append(histogram(c, a));
  }

  const width = 300, height = 190, left = 10, bottom = 34, top = 8;

  function frame(label) {
    const f = make("figure"), s = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
    s.append(drawn("line", { class: "axis", x1: left, x2: width - left, y1: height - bottom, y2: height - bottom }), drawn("text", { x: width / 2, y: height - 4, "text-anchor": "middle" }, label));
    f.append(s);
    return [f, s];
  }
  const ends = (s, lo, hi) => s.append(drawn("text", { x: left, y: height - 20 }, digits(lo)), drawn("text", { x: width - left, y: height - 20, "text-anchor": "end" }, digits(hi)));
  const unit = (name, units) => name + (units && units[name] ? " [" + units[name] + "]" : "");

  // between are quantiles of the values, so that a few far out leave the others to be seen.
  function between(x) {
    const sorted = numbers(x).sort((p, q) => p - q), at = q => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
    return [at(0.002), at(0.998)];
  }

  function histogram([name, x], a) {
    const [f, s] = frame(unit(name, a.units)), [lo, hi] = between(x), few = new Set(x).size <= 40 && numbers(x).every(Number.isInteger);
    const from = few ? lo - 0.5 : lo, to = few ? hi + 0.5 : hi, bins = few ? Math.max(1, hi - lo + 1) : 40, counts = new Array(bins).fill(0);
    for (const v of numbers(x)) {
      const k = Math.floor((v - from) / (to - from) * bins);
      if (k >= 0 && k < bins) counts[k]++; else if (v === to) counts[bins - 1]++;
    }
    const most = Math.max(...counts), px = v => left + (v - from) / (to - from) * (width - 2 * left), step = (width - 2 * left) / bins, clamp = v => Math.min(Math.max(px(v), left), width - left);
    const p = verb === "posterior" && a.posterior && a.posterior[name];
    if (p && p.median !== undefined) s.append(drawn("rect", { class: "band", x: clamp(p.lo68), y: top, width: Math.max(clamp(p.hi68) - clamp(p.lo68), 0), height: height - bottom - top }));
    counts.forEach((n, k) => { const h = n / most * (height - bottom - top); s.append(drawn("rect", { class: "column", x: left + k * step, y: height - bottom - h, width: Math.max(step - 0.7, 0.5), height: h })); });
    if (p && p.median !== undefined) s.append(drawn("line", { class: "middle", x1: clamp(p.median), x2: clamp(p.median), y1: top, y2: height - bottom }));
    ends(s, few ? lo : from, few ? hi : to);
    return f;
  }

  function scatter([nx, x], [ny, y], units) {
    const [f, s] = frame(unit(nx, units) + " across, " + unit(ny, units) + " up"), [a, b] = between(x), [c, d] = between(y);
    for (let i = 0; i < Math.min(x.length, 2000); i++) {
      if (typeof x[i] !== "number" || typeof y[i] !== "number" || x[i] < a || x[i] > b || y[i] < c || y[i] > d) continue;
      s.append(drawn("circle", { class: "dot", r: 1.4, cx: left + (x[i] - a) / (b - a || 1) * (width - 2 * left), cy: height - bottom - (y[i] - c) / (d - c || 1) * (height - bottom - top) }));
    }
    ends(s, a, b);
    return f;
  }

  function rows(a) {
    const names = Object.keys(a.columns || {});
    if (!names.length) return;
    const n = a.columns[names[0]].length, some = Math.min(n, 10), head = make("tr");
    head.append(make("th", "Row", { class: "number" }), ...names.map(c => make("th", unit(c, a.units), { class: "number" })));
    const body = make("tbody");
    for (let i = 0; i < some; i++) {
      const tr = make("tr");
      tr.append(make("td", (a.rows ? a.rows[i] : i) + 1, { class: "number" }), ...names.map(c => make("td", digits(a.columns[c][i]), { class: "number" })));
      body.append(tr);
    }
    const t = make("thead");
    t.append(head);
    $("rows").append(t, body);
    if (n > some) $("more").textContent = "and " + (n - some).toLocaleString("en") + " more rows";
  }

  $("model").onchange = () => choose(models[$("model").selectedIndex]);
  $("send").onclick = send;
  $("another").onclick = () => { round++; ask(verb); };
  $("request").onkeydown = e => { if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); send(); } };
  $("entry").onsubmit = e => { e.preventDefault(); load(); };
  load();
})();
