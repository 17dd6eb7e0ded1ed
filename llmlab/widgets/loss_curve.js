// The live loss curve: training and validation loss of several runs beside reference lines.
// Zoom lives here, in data coordinates, so that an update never moves what the reader looks at.

const OKABE_ITO = {
  light: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"],
  dark: ["#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#F0E442"],
};
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "12 4", "4 2 1 2"];
const MARKS = ["circle", "square", "triangle", "diamond"];
function dressed(node, attributes = {}, text) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

const html = (tag, ...rest) => dressed(document.createElement(tag), ...rest);
const svg = (tag, ...rest) => dressed(document.createElementNS("http://www.w3.org/2000/svg", tag), ...rest);
const choices = (loss) => { const n = Math.exp(loss); return n < 10 ? n.toFixed(1) : Math.round(n).toLocaleString("en"); };

const shorten = (name) => (name.length > 18 ? name.slice(0, 17) + "…" : name);

function isDark(el) {
  const rgb = getComputedStyle(el).color.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0];
  return 0.3 * rgb[0] + 0.6 * rgb[1] + 0.1 * rgb[2] > 128;
}

function mark(kind, x, y, size, colour) {
  const shapes = {
    circle: () => svg("circle", { cx: x, cy: y, r: size }),
    square: () => svg("rect", { x: x - size, y: y - size, width: 2 * size, height: 2 * size }),
    triangle: () => svg("path", { d: `M${x} ${y - size * 1.2}L${x + size * 1.1} ${y + size * 0.8}H${x - size * 1.1}Z` }),
    diamond: () => svg("path", { d: `M${x} ${y - size * 1.3}L${x + size * 1.3} ${y}L${x} ${y + size * 1.3}L${x - size * 1.3} ${y}Z` }),
  };
  const node = shapes[kind]();
  node.setAttribute("fill", colour);
  return node;
}

let drawn = 0;

function render({ model, el }) {
  const clip = `lc-clip-${++drawn}`;
  const history = new Map(); // run id -> { train: [[step, loss]…], val: [[step, loss]…] }
  let zoom = null; // { x: [low, high], y: [low, high] } in data units, or null for everything
  let logX = Boolean(model.get("log_x"));
  let cursor = null; // a step, or null
  let drag = null;
  let asked = 0; // counts requests, so that asking for the same again is a change
  let frame = 0;
  let view = null; // scales of the last drawing

  const root = el.appendChild(html("div", { class: "lc" }));
  const head = root.appendChild(html("div", { class: "lc-head" }));
  const title = head.appendChild(html("span", { class: "lc-title" }));
  const reading = head.appendChild(html("span", { class: "lc-reading" }));
  const tools = head.appendChild(html("div", { class: "lc-tools" }));
  const plot = root.appendChild(svg("svg", { tabindex: "0", role: "application" }));
  const readout = root.appendChild(html("div", { class: "lc-readout", "aria-live": "polite" }));
  const key = root.appendChild(html("div", { class: "lc-key" }));
  const hint = root.appendChild(html("div", { class: "lc-hint" }));
  const table = root.appendChild(html("div", { class: "lc-table", hidden: "" }));

  const words = () => model.get("words") ?? {};
  const runs = () => model.get("runs") ?? [];
  const colours = () => OKABE_ITO[isDark(root) ? "dark" : "light"];

  const button = (name, action) => {
    const node = tools.appendChild(html("button", { type: "button", "data-tool": name }));
    node.onclick = action;
    return node;
  };
  const buttons = {
    reset: button("reset", () => { zoom = null; draw(); }),
    log_x: button("log_x", () => { logX = !logX; zoom = null; draw(); }),
    table: button("table", () => { table.hidden = !table.hidden; draw(); }),
    png: button("png", savePicture),
  };

  // A chunk says: after step `after`, these are the points. Applying it twice, or two that overlap, is harmless;
  // a chunk that starts later than what is known here leaves a gap, and the whole history is asked for.
  function receive() {
    const missing = [];
    for (const chunk of model.get("chunks") ?? []) {
      const known = history.get(chunk.run) ?? { train: [], val: [], upTo: -1 };
      if (chunk.after > known.upTo) { missing.push(chunk.run); continue; }
      for (const kind of ["train", "val"]) {
        known[kind] = known[kind].filter(([step]) => step <= chunk.after).concat(chunk[kind]);
      }
      known.upTo = Math.max(chunk.after, known.train.at(-1)?.[0] ?? -1, known.val.at(-1)?.[0] ?? -1);
      known.best = chunk.best; // [step, loss on the whole validation text], once the run has ended
      history.set(chunk.run, known);
    }
    if (missing.length) { model.set("missing", { runs: missing, asked: ++asked }); model.save_changes(); }
    draw();
  }

  function draw() {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(paint);
  }

  function extent() {
    const shown = runs().map((run) => history.get(run.id)).filter(Boolean);
    const steps = shown.flatMap((h) => [h.train.at(-1)?.[0] ?? 0, h.val.at(-1)?.[0] ?? 0]);
    const last = Math.max(10, ...steps);
    const nice = 10 ** Math.floor(Math.log10(last)) / 4;
    const losses = shown.flatMap((h) => [...h.train, ...h.val].map((p) => p[1]));
    for (const line of model.get("references") ?? []) losses.push(line.loss);
    let [low, high] = losses.length > 2 ? [Infinity, -Infinity] : [0, 5]; // too little to frame yet
    for (const v of losses) { low = Math.min(low, v); high = Math.max(high, v); }
    const room = (high - low || 1) * 0.06;
    return { x: [logX ? 1 : 0, logX ? last : Math.ceil(last / nice) * nice], y: [Math.max(0, low - room), high + room] };
  }

  function scales(width, height, wide) {
    const all = extent();
    const range = zoom ?? all;
    const box = { left: 52, right: width - (wide ? 172 : 10), top: 10, bottom: height - 38 };
    const f = logX ? Math.log : (v) => v;
    const inverse = logX ? Math.exp : (v) => v;
    const [x0, x1] = range.x.map((v) => f(Math.max(v, logX ? 1 : -Infinity)));
    const [y0, y1] = range.y;
    return {
      box, range,
      x: (step) => box.left + ((f(Math.max(step, logX ? 1 : -Infinity)) - x0) / (x1 - x0 || 1)) * (box.right - box.left),
      y: (loss) => box.bottom - ((loss - y0) / (y1 - y0 || 1)) * (box.bottom - box.top),
      step: (px) => inverse(x0 + ((px - box.left) / (box.right - box.left)) * (x1 - x0)),
      loss: (py) => y0 + ((box.bottom - py) / (box.bottom - box.top)) * (y1 - y0),
    };
  }

  function paint() {
    const w = words();
    title.textContent = w.title; reading.textContent = w.lower; hint.textContent = w.hint;
    for (const [name, node] of Object.entries(buttons)) node.textContent = w[name];
    buttons.reset.style.display = zoom ? "" : "none";
    buttons.log_x.setAttribute("aria-pressed", String(logX));
    buttons.table.setAttribute("aria-pressed", String(!table.hidden));
    plot.setAttribute("aria-label", w.title + ". " + w.keys);

    const width = Math.max(260, root.clientWidth || 700);
    const height = model.get("height") || 330;
    const wide = width >= 560;
    const s = (view = scales(width, height, wide));
    const { box } = s;
    plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
    plot.setAttribute("height", height);
    plot.replaceChildren();
    const put = (node) => plot.appendChild(node);

    put(svg("defs")).appendChild(svg("clipPath", { id: clip }))
      .appendChild(svg("rect", { x: box.left, y: box.top - 3, width: box.right - box.left + 9, height: box.bottom - box.top + 6 }));
    for (const v of ticks(...s.range.y, 6)) {
      put(svg("line", { x1: box.left, x2: box.right, y1: s.y(v), y2: s.y(v), stroke: "currentColor", "stroke-opacity": 0.1 }));
      put(svg("text", { x: box.left - 8, y: s.y(v) + 4, "text-anchor": "end", fill: "currentColor", "fill-opacity": 0.7 }, +v.toFixed(3)));
    }
    for (const v of logX ? logTicks(Math.max(1, s.range.x[0]), s.range.x[1]) : ticks(...s.range.x, wide ? 8 : 4)) {
      put(svg("line", { x1: s.x(v), x2: s.x(v), y1: box.bottom, y2: box.bottom + 4, stroke: "currentColor", "stroke-opacity": 0.4 }));
      put(svg("text", { x: s.x(v), y: box.bottom + 17, "text-anchor": "middle", fill: "currentColor", "fill-opacity": 0.7 },
        (+v.toFixed(2)).toLocaleString("en")));
    }
    put(svg("line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom, stroke: "currentColor", "stroke-opacity": 0.4 }));
    put(svg("text", { x: box.right, y: height - 4, "text-anchor": "end", fill: "currentColor", "fill-opacity": 0.8 }, w.x_axis));
    put(svg("text", { x: 0, y: 0, "text-anchor": "middle", fill: "currentColor", "fill-opacity": 0.8,
      transform: `translate(13 ${(box.top + box.bottom) / 2}) rotate(-90)` }, w.y_axis));

    const labels = [];
    const curves = put(svg("g", { "clip-path": `url(#${clip})` }));
    for (const line of model.get("references") ?? []) {
      if (line.loss < s.range.y[0] || line.loss > s.range.y[1]) continue;
      curves.appendChild(svg("line", { x1: box.left, x2: box.right, y1: s.y(line.loss), y2: s.y(line.loss),
        stroke: "currentColor", "stroke-opacity": 0.55, "stroke-dasharray": line.kind === "floor" ? "" : "1 4", "stroke-linecap": "round", "stroke-width": 1.4 }));
      labels.push({ y: s.y(line.loss), text: `${line.label} ${line.loss.toFixed(2)}`, colour: "currentColor", opacity: 0.75 });
    }
    runs().forEach((run, i) => {
      const known = history.get(run.id);
      if (!known) return;
      const look = { colour: colours()[i % 6], dash: DASHES[i % 6], shape: MARKS[i % 4] };
      const path = (points) => points.map(([step, loss], j) => `${j ? "L" : "M"}${s.x(step).toFixed(1)} ${s.y(loss).toFixed(1)}`).join("");
      curves.appendChild(svg("path", { d: path(known.train), fill: "none", stroke: look.colour, "stroke-width": 1.1, "stroke-opacity": 0.6 }));
      curves.appendChild(svg("path", { d: path(known.val), fill: "none", stroke: look.colour, "stroke-width": 2.4, "stroke-dasharray": look.dash, "stroke-linejoin": "round" }));
      if (known.val.length < 80) for (const [step, loss] of known.val) curves.appendChild(mark(look.shape, s.x(step), s.y(loss), 3, look.colour));
      const head = known.train.at(-1); // where the run is now, also when it has no more than this one point
      if (head) curves.appendChild(svg("circle", { cx: s.x(head[0]), cy: s.y(head[1]), r: 2.5, fill: look.colour }));
      if (known.best) curves.appendChild(svg("circle", { cx: s.x(known.best[0]), cy: s.y(known.best[1]), r: 6.5, fill: "none", stroke: look.colour, "stroke-width": 2, "data-best": "" }));
      const last = known.best ?? known.val.at(-1) ?? head;
      if (last && last[0] >= s.range.x[0] && last[1] >= s.range.y[0] && last[1] <= s.range.y[1]) {
        labels.push({ y: s.y(last[1]), x: Math.min(s.x(last[0]), box.right), text: `${runs().length > 1 ? shorten(run.name) : known.best ? w.best : w.now} ${last[1].toFixed(2)}`,
          colour: look.colour, opacity: 1, bold: true });
      }
    });
    for (const label of spread(labels, box.top + 4, box.bottom - 2)) {
      if (wide && Math.abs(label.at - label.y) > 1) {
        put(svg("path", { d: `M${box.right + 2} ${label.y}L${box.right + 9} ${label.at}`, stroke: label.colour, "stroke-opacity": 0.5, fill: "none" }));
      }
      put(svg("text", { x: wide ? box.right + 12 : box.right - 4, y: label.at + (wide ? 4 : -3), "text-anchor": wide ? "start" : "end", fill: label.colour,
        "fill-opacity": label.opacity, "font-weight": label.bold ? 600 : 400, "paint-order": "stroke", stroke: "var(--paper, Canvas)", "stroke-width": wide ? 0 : 3 },
      label.text));
    }
    drawCursor(put);
    if (drag?.to) {
      const [a, b] = [Math.min(drag.from.x, drag.to.x), Math.max(drag.from.x, drag.to.x)];
      put(svg("rect", { x: a, width: b - a, y: box.top, height: box.bottom - box.top, fill: "currentColor", "fill-opacity": 0.1 }));
    }
    drawKey();
    if (!table.hidden) drawTable();
  }

  function nearest(points, step) {
    let best = null;
    for (const p of points) if (!best || Math.abs(p[0] - step) < Math.abs(best[0] - step)) best = p;
    return best;
  }

  function drawCursor(put) {
    const w = words();
    if (cursor === null) {
      const first = history.get(runs()[0]?.id);
      const last = first && (first.best ?? first.val.at(-1) ?? first.train.at(-1));
      readout.textContent = last ? sentence(runs()[0], last) : w.waiting ?? "";
      return;
    }
    const said = [];
    runs().forEach((run, i) => {
      const known = history.get(run.id);
      if (!known) return;
      const val = nearest(known.val, cursor);
      const train = nearest(known.train, cursor);
      const point = val && (!train || Math.abs(val[0] - cursor) <= Math.abs(train[0] - cursor)) ? val : train;
      if (!point) return;
      if (!said.length) put(svg("line", { x1: view.x(point[0]), x2: view.x(point[0]), y1: view.box.top, y2: view.box.bottom, stroke: "currentColor", "stroke-opacity": 0.35 }));
      put(mark(MARKS[i % 4], view.x(point[0]), view.y(point[1]), 5, colours()[i % 6]));
      said.push([run, point]);
    });
    readout.textContent = said.length > 1 ? together(said) : said.map(([run, point]) => sentence(run, point)).join("");
  }

  const together = (said) =>
    fill(words().choosing_together, {
      step: said[0][1][0].toLocaleString("en"),
      list: said.map(([run, point]) => `${run.name} ${choices(point[1])}`).join(" · "),
    });

  const sentence = (run, [step, loss]) =>
    (runs().length > 1 ? run.name + ": " : "") +
    fill(words()["choosing_" + run.unit] ?? "", { step: step.toLocaleString("en"), n: choices(loss), loss: loss.toFixed(3) });

  function drawKey() {
    key.replaceChildren();
    const entry = (text, i, thin) => {
      const swatch = svg("svg", { width: 30, height: 10, viewBox: "0 0 30 10" });
      swatch.style.width = "30px";
      const colour = colours()[i % 6];
      swatch.appendChild(svg("path", { d: "M0 5H30", stroke: colour, "stroke-width": thin ? 1.1 : 2.4, "stroke-opacity": thin ? 0.6 : 1, "stroke-dasharray": thin ? "" : DASHES[i % 6] }));
      if (!thin) swatch.appendChild(mark(MARKS[i % 4], 15, 5, 3, colour));
      const node = html("span");
      node.append(swatch, html("span", {}, text));
      key.appendChild(node);
    };
    if (runs().length > 1) { runs().forEach((run, i) => entry(run.name, i, false)); key.appendChild(html("span", {}, words().thin_is_train)); }
    else if (runs().length) { entry(words().validation, 0, false); entry(words().train, 0, true); }
    if (runs().some((run) => history.get(run.id)?.best)) key.appendChild(html("span", {}, words().best_key));
  }

  function drawTable() {
    const w = words();
    const node = html("table");
    const line = (cells, tag) => { const tr = html("tr"); for (const c of cells) tr.appendChild(html(tag, {}, c)); node.appendChild(tr); };
    line([w.run, w.step, w.validation, w.train, w.choices], "th");
    for (const run of runs()) {
      const known = history.get(run.id);
      if (!known) continue;
      const rows = known.val.length ? known.val : known.train;
      for (const [step, loss] of rows.slice(-200)) {
        const train = nearest(known.train, step);
        line([run.name, step.toLocaleString("en"), known.val.length ? loss.toFixed(4) : "–", train ? train[1].toFixed(4) : "–", choices(loss)], "td");
      }
    }
    table.replaceChildren(node);
  }

  function savePicture() {
    const copy = plot.cloneNode(true);
    const box = plot.viewBox.baseVal;
    const style = getComputedStyle(root);
    const paper = isDark(root) ? "#14161a" : "#ffffff";
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", box.width); copy.setAttribute("height", box.height);
    copy.setAttribute("style", `color:${style.color};font:12px ${style.fontFamily.replace(/"/g, "'")}`);
    for (const text of copy.querySelectorAll("text[stroke]")) text.setAttribute("stroke", paper);
    copy.insertBefore(svg("rect", { width: box.width, height: box.height, fill: paper }), copy.firstChild);
    const image = new Image();
    image.onload = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: box.width * 2, height: box.height * 2 });
      const context = canvas.getContext("2d");
      context.scale(2, 2);
      context.drawImage(image, 0, 0);
      const link = html("a", { download: "loss-curve.png", href: canvas.toDataURL("image/png") });
      link.click();
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
  }

  const place = (event) => {
    const area = plot.getBoundingClientRect();
    const ratio = plot.viewBox.baseVal.width / area.width;
    return { x: (event.clientX - area.left) * ratio, y: (event.clientY - area.top) * ratio };
  };
  const within = (p) => ({ x: Math.min(Math.max(p.x, view.box.left), view.box.right), y: Math.min(Math.max(p.y, view.box.top), view.box.bottom) });

  // Losses inside the chosen steps fill the height: a learner zooms in time, the picture finds the rest.
  function zoomTo(low, high) {
    if (high - low < 1e-9) return;
    let [bottom, top] = [Infinity, -Infinity];
    for (const run of runs()) {
      const known = history.get(run.id);
      for (const [step, loss] of known ? [...known.train, ...known.val, ...(known.best ? [known.best] : [])] : []) {
        if (step >= low && step <= high) { bottom = Math.min(bottom, loss); top = Math.max(top, loss); }
      }
    }
    if (bottom > top) [bottom, top] = view.range.y;
    const room = (top - bottom || 0.1) * 0.08;
    zoom = { x: [low, high], y: [Math.max(0, bottom - room), top + room] };
    draw();
  }

  plot.onpointerdown = (event) => { if (view) { drag = { from: within(place(event)), to: null }; plot.setPointerCapture(event.pointerId); } };
  plot.onpointermove = (event) => {
    if (!view) return;
    const at = within(place(event));
    if (drag && Math.abs(at.x - drag.from.x) > 4) drag.to = at;
    cursor = view.step(at.x);
    draw();
  };
  plot.onpointerup = () => {
    if (drag?.to) { const [a, b] = [view.step(drag.from.x), view.step(drag.to.x)]; zoomTo(Math.min(a, b), Math.max(a, b)); }
    drag = null;
    draw();
  };
  plot.onpointerleave = () => { if (!drag) { cursor = null; draw(); } };
  plot.ondblclick = () => { zoom = null; draw(); };
  plot.onkeydown = (event) => {
    const known = history.get(runs()[0]?.id);
    const steps = known ? [...new Set([...known.train, ...known.val].map((p) => p[0]))].sort((a, b) => a - b) : [];
    if (!steps.length || !view) return;
    const here = cursor === null ? steps.length - 1 : steps.findIndex((s) => s >= cursor - 1e-9);
    const jump = event.shiftKey ? Math.max(1, Math.round(steps.length / 20)) : 1;
    const go = (i) => { cursor = steps[Math.min(steps.length - 1, Math.max(0, i))]; };
    const span = (view.range.x[1] - view.range.x[0]) / 2;
    const centre = cursor ?? (view.range.x[0] + view.range.x[1]) / 2;
    const actions = {
      ArrowLeft: () => go((here < 0 ? steps.length : here) - jump), ArrowRight: () => go(here < 0 ? steps.length - 1 : here + jump),
      Home: () => go(0), End: () => go(steps.length - 1),
      "+": () => zoomTo(Math.max(logX ? 1 : 0, centre - span / 2), centre + span / 2), "=": () => actions["+"](),
      "-": () => { zoom = null; }, 0: () => { zoom = null; }, Escape: () => { zoom = null; cursor = null; },
      l: () => { logX = !logX; zoom = null; },
    };
    if (!actions[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    actions[event.key]();
    draw();
  };

  for (const name of ["runs", "references", "words", "height"]) model.on("change:" + name, draw);
  model.on("change:chunks", receive);
  const resize = new ResizeObserver(draw);
  resize.observe(root);
  const forgetTheme = onTheme(model, draw);
  receive();
  return () => { cancelAnimationFrame(frame); resize.disconnect(); forgetTheme(); };
}

export default { render };
