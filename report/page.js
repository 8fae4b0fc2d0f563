'use strict';
(() => {
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const make = (tag, attributes = {}, text = '') => {
    const e = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
    e.textContent = text;
    return e;
  };
  const button = (text, act) => {
    const b = make('button', {type: 'button'}, text);
    b.addEventListener('click', () => act(b));
    return b;
  };

  // Light and dark: as the system has it, until the reader chooses.
  const darkSystem = matchMedia('(prefers-color-scheme: dark)');
  const dark = () => root.dataset.theme ? root.dataset.theme === 'dark' : darkSystem.matches;
  const theme = button('', () => {
    root.dataset.theme = dark() ? 'light' : 'dark';
    nameTheme();
  });
  theme.className = 'theme';
  const nameTheme = () => { theme.textContent = dark() ? 'Light' : 'Dark'; };
  darkSystem.addEventListener('change', nameTheme);
  nameTheme();

  // Scales: a figure holds its other picture as a template.
  const figures = all('figure.overlay');
  const other = scale => scale === 'linear' ? 'logarithmic' : 'linear';
  const rescale = (figure, scale) => {
    const template = figure.querySelector('template');
    if (!template || figure.dataset.scale === scale) return;
    const shown = figure.querySelector('svg');
    const next = template.content.firstElementChild;
    shown.replaceWith(next);
    template.content.replaceChildren(shown);
    figure.dataset.scale = scale;
    figure.querySelector('button').textContent = other(scale);
    readable(figure);
  };

  // The values of bins, from the histograms in the page.
  const edgesOf = axis => axis.edges || Array.from({length: axis.bins + 1}, (_, i) => axis.lower + (axis.upper - axis.lower) * i / axis.bins);
  const data = new WeakMap();
  const samplesOf = figure => {
    if (!data.has(figure)) {
      const samples = JSON.parse(figure.querySelector('script').textContent);
      const axis = samples[0].histogram.axes[0];
      data.set(figure, {samples, edges: edgesOf(axis), unit: axis.metadata.unit || ''});
    }
    return data.get(figure);
  };
  const number = (v, digits = 4) => v === 0 ? '0' : Number(v.toPrecision(digits)).toString().replace('-', '−');
  const value = (content, error) => {
    if (!(error > 0)) return number(content);
    const decimals = Math.max(0, Math.min(12, 1 - Math.floor(Math.log10(error))));
    return error >= 1e6 || error < 1e-9 ? number(content) + ' ± ' + number(error, 2)
      : content.toFixed(decimals).replace('-', '−') + ' ± ' + error.toFixed(decimals);
  };
  const linesOf = (figure, bin) => {
    const {samples, edges, unit} = samplesOf(figure);
    const span = Math.abs(edges[bin + 1] - edges[bin]);
    const digits = Math.min(12, 4 + Math.max(0, Math.ceil(Math.log10(Math.max(Math.abs(edges[bin]), Math.abs(edges[bin + 1])) / span))));
    const lines = [number(edges[bin], digits) + ' to ' + number(edges[bin + 1], digits) + (unit ? ' ' + unit : '')];
    const heights = samples.map(s => {
      const storage = s.histogram.storage;
      return {name: s.name, scale: s.scale, content: storage.values[bin + 1] * s.scale, error: Math.sqrt(storage.variances[bin + 1]) * s.scale};
    });
    for (const h of heights) lines.push(h.name + ': ' + value(h.content, h.error) + (Math.abs(h.scale - 1) < 1e-9 ? '' : ' (× ' + number(h.scale, 3) + ')'));
    const [reference, ...others] = heights;
    for (const h of others) {
      if (!(reference.content > 0)) continue;
      const ratio = h.content / reference.content;
      const error = Math.hypot(h.error / reference.content, ratio * reference.error / reference.content);
      lines.push((others.length > 1 ? h.name + ' / ' : 'ratio: ') + value(ratio, error));
    }
    return lines;
  };
  const planeOf = svg => {
    const plane = svg.querySelector('[data-plane]');
    if (!plane) return null;
    const [x0, y0, x1, y1, low, high, kind] = plane.dataset.plane.split(' ').map((s, i) => i < 6 ? Number(s) : s);
    const log = kind === 'log';
    const f = v => log ? Math.log(v) : v;
    return {
      x0, y0, x1, y1,
      at: v => Math.min(x1, Math.max(x0, x0 + (x1 - x0) * (f(v) - f(low)) / (f(high) - f(low)))),
      value: x => { const t = (x - x0) / (x1 - x0); return log ? low * Math.pow(high / low, t) : low + (high - low) * t; },
    };
  };
  const hide = figure => {
    for (const e of all('.tip, .bin', figure)) e.remove();
    delete figure.dataset.bin;
  };
  const show = (figure, bin) => {
    const svg = figure.querySelector('svg'), plane = planeOf(svg), {edges} = samplesOf(figure);
    bin = Math.min(edges.length - 2, Math.max(0, bin));
    if (figure.dataset.bin === String(bin)) return;
    hide(figure);
    figure.dataset.bin = bin;
    const mark = document.createElementNS(svg.namespaceURI, 'rect'), left = plane.at(edges[bin]), right = plane.at(edges[bin + 1]);
    for (const [name, v] of Object.entries({class: 'bin', x: left, y: plane.y0, width: Math.max(0.6, right - left), height: plane.y1 - plane.y0})) mark.setAttribute(name, v);
    svg.append(mark);
    const tip = make('output', {class: 'tip', role: 'status'});
    for (const line of linesOf(figure, bin)) tip.append(make('div', {}, line));
    figure.append(tip);
    const box = svg.getBoundingClientRect(), outer = figure.getBoundingClientRect(), perUnit = box.width / svg.viewBox.baseVal.width;
    const middle = box.left - outer.left + (left + right) / 2 * perUnit;
    tip.style.left = Math.max(0, Math.min(outer.width - tip.offsetWidth, middle - tip.offsetWidth / 2)) + 'px';
    tip.style.top = box.top - outer.top + plane.y1 * perUnit + 4 + 'px';
  };
  const binAt = (figure, clientX) => {
    const svg = figure.querySelector('svg'), plane = planeOf(svg), box = svg.getBoundingClientRect();
    const x = (clientX - box.left) * svg.viewBox.baseVal.width / box.width;
    if (!plane || x < plane.x0 || x > plane.x1) return -1;
    const v = plane.value(x), {edges} = samplesOf(figure);
    return edges.findIndex((e, i) => i + 1 < edges.length && v >= e && v <= edges[i + 1]);
  };
  function readable(figure) {
    hide(figure);
    figure.querySelector('svg').setAttribute('tabindex', '0');
  }
  for (const figure of figures) {
    figure.addEventListener('pointermove', e => {
      if (!e.target.closest('svg')) return hide(figure);
      const bin = binAt(figure, e.clientX);
      if (bin < 0) hide(figure); else show(figure, bin);
    });
    figure.addEventListener('pointerleave', () => hide(figure));
    figure.addEventListener('focusout', () => hide(figure));
    figure.addEventListener('keydown', e => {
      if (!e.target.closest('svg')) return;
      const at = 'bin' in figure.dataset ? Number(figure.dataset.bin) : -1, last = samplesOf(figure).edges.length - 2;
      const to = {ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last}[e.key];
      if (e.key === 'Escape') hide(figure);
      if (to === undefined) return;
      e.preventDefault();
      show(figure, to);
    });
    if (figure.querySelector('template')) figure.prepend(button(other(figure.dataset.scale), () => rescale(figure, other(figure.dataset.scale))));
    readable(figure);
  }

  // Choosing columns: by parts of their names, and those that differ; figures follow the rows.
  const bodies = all('table.sortable tbody');
  const differing = new Set(bodies.filter(b => b.classList.contains('differs')).map(b => b.dataset.column));
  const tools = make('form', {class: 'tools', role: 'search'});
  tools.addEventListener('submit', e => e.preventDefault());
  const find = make('input', {type: 'search', placeholder: 'pt, eta', 'aria-label': 'Show columns whose names contain'});
  const only = make('input', {type: 'checkbox'});
  const count = make('output');
  const choose = () => {
    const terms = find.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
    const chosen = name => (!only.checked || differing.has(name)) && (terms.length === 0 || terms.some(t => name.toLowerCase().includes(t)));
    let shown = 0;
    for (const e of [...bodies, ...figures]) {
      e.hidden = !chosen(e.dataset.column);
      if (!e.hidden && e.localName === (bodies.length ? 'tbody' : 'figure')) shown++;
    }
    count.textContent = shown + ' of ' + (bodies.length || figures.length) + ' columns';
  };
  const columns = Math.max(bodies.length, figures.length);
  if (columns > 1) {
    const label = (text, ...inputs) => { const l = make('label'); l.append(text, ...inputs); return l; };
    tools.append(label('Columns ', find));
    if (differing.size) {
      const l = label(only, ' only those that differ');
      tools.append(l);
    }
    if (figures.some(f => f.querySelector('template'))) {
      const scales = make('select');
      for (const [v, text] of [['', 'as suits'], ['linear', 'linear'], ['logarithmic', 'logarithmic']]) scales.append(make('option', {value: v}, text));
      const suits = new Map(figures.map(f => [f, f.dataset.scale]));
      scales.addEventListener('change', () => { for (const f of figures) rescale(f, scales.value || suits.get(f)); });
      tools.append(label('Scale ', scales));
    }
    tools.append(count);
    find.addEventListener('input', choose);
    only.addEventListener('change', choose);
    choose();
  }

  // Sorting: by a number from the largest, then from the smallest, then as at first; names from A.
  for (const table of all('table.sortable')) {
    const first = all('tbody', table), heads = all('thead th', table);
    const grids = all('#columns .grid').map(grid => [grid, all('figure', grid)]);
    const key = (body, i) => {
      const cell = body.rows[0].cells[i];
      if (!('value' in cell.dataset)) return cell.textContent;
      return cell.dataset.value === '' ? NaN : Number(cell.dataset.value);
    };
    const compare = (a, b) => {
      if (typeof a === 'string') return a.localeCompare(b, undefined, {numeric: true});
      return Number.isNaN(a) - Number.isNaN(b) || a - b;
    };
    const sort = (i, direction) => {
      heads.forEach((h, k) => { if (k === i && direction) h.setAttribute('aria-sort', direction); else h.removeAttribute('aria-sort'); });
      const sign = direction === 'descending' ? -1 : 1;
      const order = direction ? [...first].sort((a, b) => {
        const x = key(a, i), y = key(b, i);
        return Number.isNaN(x) || Number.isNaN(y) ? compare(x, y) : sign * compare(x, y);
      }) : first;
      table.append(...order);
      const rank = new Map(order.map((b, k) => [b.dataset.column, k]));
      for (const [grid, figures] of grids) grid.append(...(direction ? [...figures].sort((a, b) => rank.get(a.dataset.column) - rank.get(b.dataset.column)) : figures));
    };
    heads.forEach((head, i) => {
      if (head.classList.contains('text') || first.length < 2) return;
      const turns = i === 0 ? ['ascending', 'descending', ''] : ['descending', 'ascending', ''];
      const b = button(head.textContent, () => sort(i, turns[(turns.indexOf(head.getAttribute('aria-sort') || '') + 1) % 3]));
      head.replaceChildren(b);
    });
  }

  const bar = document.querySelector('nav');
  if (bar) {
    bar.querySelector('ul').after(theme);
    if (tools.childElementCount) bar.append(tools);
  }
})();
