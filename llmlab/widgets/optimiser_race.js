// Optimisers race down a loss surface. Paths and losses come from Python; in here they are only played.
const PAUSE = 150;
const STEPS_A_SECOND = 25;
const COLOURS = ["--llm-residual", "--llm-query", "--llm-key", "--llm-value", "--llm-prediction", "#E69F00", "#56B4E9", "#CC79A7"];
const SHAPES = ["circle", "square", "up", "diamond", "down", "plus", "star", "cross"];
const ORDER = ["gd", "sgd", "momentum", "nesterov", "adam", "adam_uncorrected", "adamw", "muon"];
const MARGIN = { left: 46, right: 8, top: 8, bottom: 38 };

function shapePath(context, shape, x, y, r) {
  const points = {
    square: [[-1, -1], [1, -1], [1, 1], [-1, 1]], up: [[0, -1.25], [1.15, 0.9], [-1.15, 0.9]], down: [[0, 1.25], [1.15, -0.9], [-1.15, -0.9]],
    diamond: [[0, -1.35], [1.35, 0], [0, 1.35], [-1.35, 0]],
    plus: [[-0.4, -1.3], [0.4, -1.3], [0.4, -0.4], [1.3, -0.4], [1.3, 0.4], [0.4, 0.4], [0.4, 1.3], [-0.4, 1.3], [-0.4, 0.4], [-1.3, 0.4], [-1.3, -0.4], [-0.4, -0.4]],
    star: Array.from({ length: 10 }, (_, k) => [Math.sin(k * Math.PI / 5) * (k % 2 ? 0.6 : 1.5), -Math.cos(k * Math.PI / 5) * (k % 2 ? 0.6 : 1.5)]),
    cross: [[-1.2, -0.7], [-0.7, -1.2], [0, -0.5], [0.7, -1.2], [1.2, -0.7], [0.5, 0], [1.2, 0.7], [0.7, 1.2], [0, 0.5], [-0.7, 1.2], [-1.2, 0.7], [-0.5, 0]],
  }[shape];
  context.beginPath();
  if (!points) context.arc(x, y, r * 1.05, 0, 2 * Math.PI);
  else points.forEach(([px, py], k) => context[k ? "lineTo" : "moveTo"](x + px * r, y + py * r));
  context.closePath();
}

function render({ model, el }) {
  const chips = make("div", { className: "chips", role: "group" });
  const formula = make("span", { className: "note mono" });
  const play = make("button", { type: "button", className: "primary" }), one = make("button", { type: "button" }), restart = make("button", { type: "button" });
  const scrub = make("input", { type: "range", min: 0, step: 1, value: 0 });
  const count = make("output");
  const factor = make("input", { type: "range", min: -4, max: 4, step: 0.5, value: 0 });
  const factorLabel = make("span"), factorSaid = make("output");
  const map = make("canvas", { tabIndex: 0, className: "map", role: "application" });
  const curve = make("canvas", { className: "curve" });
  const curveTitle = make("div", { className: "note" });
  const rows = make("table", { className: "rows" });
  const hint = make("p", { className: "note hint" });
  const said = make("p", { className: "note", "aria-live": "polite" });
  el.append(make("div", { className: "race" }, make("div", { className: "top" }, chips, formula),
    make("div", { className: "bar" }, play, one, restart, scrub, count),
    make("div", { className: "stage" }, make("div", { className: "left" }, map, hint),
      make("div", { className: "right" }, make("label", { className: "factor" }, factorLabel, factor, factorSaid), rows, curveTitle, curve, said))));

  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let data = null, step = 0, playing = false, frame = 0, began = 0, beganAt = 0, timer = 0, asked = 0, hidden = new Set(), start = [0, 0], touched = false;
  const words = () => model.get("labels");
  const colour = (name) => {
    const wanted = COLOURS[ORDER.indexOf(name)];
    return wanted.startsWith("--") ? resolved(`var(${wanted})`) : wanted;
  };
  const probe = make("span", { hidden: true });
  el.append(probe);
  const resolved = (value) => { probe.style.color = value; return getComputedStyle(probe).color; };

  function ask(what) {
    clearTimeout(timer);
    const found = model.get("answer");
    asked = asked ? asked + 1 : Date.now() % 1e9;
    touched = true;
    model.set("ask", { surface: found.surface, start, factor: 2 ** Number(factor.value), ...what, nonce: asked });
    model.save_changes();
  }
  const askSoon = (what) => { clearTimeout(timer); timer = setTimeout(() => ask(what), PAUSE); };

  async function receive() {
    const found = model.get("answer");
    const [grid, paths, losses] = await Promise.all([unpack(found.grid), unpack(found.paths), unpack(found.losses)]);
    if (found !== model.get("answer")) return;
    data = { ...found, grid, paths, losses, size: grid.shape[0], length: found.steps + 1 };
    start = found.start;
    scrub.max = String(found.steps);
    factor.value = String(Math.round(2 * Math.log2(found.factor)) / 2);
    formula.textContent = `L = ${found.formula}`;
    for (const chip of chips.children) chip.setAttribute("aria-pressed", String(chip.dataset.name === found.surface));
    paint();
    drawRows();
    stop();
    to(0);
    if (touched) begin();  // what was just changed is seen at once
  }

  // Bands of equal loss, as a picture that is stretched over the plot.
  let picture = null;
  function paint() {
    const { grid, size, floor } = data, top = Math.log1p(20 * (Math.max(...grid) - floor)) || 1;
    picture = document.createElement("canvas");
    picture.width = picture.height = size * 4;
    const context = picture.getContext("2d"), image = context.createImageData(size * 4, size * 4), n = size * 4;
    const paper = channels(resolved("var(--paper)")), accent = channels(resolved("var(--llm-accent)"));
    for (let r = 0; r < n; r++) for (let c = 0; c < n; c++) {
      const gy = ((n - 1 - r) / (n - 1)) * (size - 1), gx = (c / (n - 1)) * (size - 1);
      const y0 = Math.min(size - 2, Math.floor(gy)), x0 = Math.min(size - 2, Math.floor(gx)), fy = gy - y0, fx = gx - x0;
      const at = (y, x) => grid[y * size + x];
      const loss = (at(y0, x0) * (1 - fx) + at(y0, x0 + 1) * fx) * (1 - fy) + (at(y0 + 1, x0) * (1 - fx) + at(y0 + 1, x0 + 1) * fx) * fy;
      const band = Math.floor(16 * Math.log1p(20 * Math.max(0, loss - floor)) / top) / 16, share = 0.04 + 0.46 * band, k = 4 * (r * n + c);
      for (let j = 0; j < 3; j++) image.data[k + j] = paper[j] + (accent[j] - paper[j]) * share;
      image.data[k + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }
  const channels = (css) => {  // a canvas knows every way in which CSS writes a colour
    const spot = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    spot.fillStyle = css;
    spot.fillRect(0, 0, 1, 1);
    return spot.getImageData(0, 0, 1, 1).data;
  };

  function sized(canvas, height) {
    const width = canvas.clientWidth, ratio = window.devicePixelRatio || 1;
    canvas.style.height = `${height}px`;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = `12px ${getComputedStyle(el).fontFamily}`;
    return { context, width, height };
  }
  const shown = () => data.rules.map((rule, i) => ({ ...rule, i })).filter((rule) => !hidden.has(rule.name));
  const point = (i, t) => [data.paths[2 * (i * data.length + t)], data.paths[2 * (i * data.length + t) + 1]];
  const loss = (i, t) => data.losses[i * data.length + t];

  let box = null;
  function drawMap() {
    const { context, width, height } = sized(map, Math.min(460, Math.max(260, map.clientWidth * 0.72)));
    const inner = { x: MARGIN.left, y: MARGIN.top, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    box = inner;
    const px = (x) => inner.x + (x - data.x[0]) / (data.x[1] - data.x[0]) * inner.width;
    const py = (y) => inner.y + (data.y[1] - y) / (data.y[1] - data.y[0]) * inner.height;
    context.imageSmoothingEnabled = true;
    context.drawImage(picture, inner.x, inner.y, inner.width, inner.height);
    const ink = resolved("var(--ink)"), faint = resolved("var(--faint)"), paper = resolved("var(--paper)");
    context.strokeStyle = faint;
    context.lineWidth = 1;
    context.strokeRect(inner.x, inner.y, inner.width, inner.height);
    context.fillStyle = ink;
    context.textAlign = "center";
    for (let v = Math.ceil(data.x[0]); v <= data.x[1]; v++) context.fillText(String(v).replace("-", "−"), px(v), inner.y + inner.height + 15);
    context.fillText(words().axis_x, inner.x + inner.width / 2, height - 5);
    context.textAlign = "right";
    for (let v = Math.ceil(data.y[0]); v <= data.y[1]; v++) context.fillText(String(v).replace("-", "−"), inner.x - 6, py(v) + 4);
    context.save();
    context.translate(12, inner.y + inner.height / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(words().axis_y, 0, 0);
    context.restore();
    context.save();
    context.beginPath();
    context.rect(inner.x, inner.y, inner.width, inner.height);
    context.clip();
    for (const [x, y] of data.lowest) { context.strokeStyle = ink; context.lineWidth = 1.5; for (const r of [4, 8]) { context.beginPath(); context.arc(px(x), py(y), r, 0, 2 * Math.PI); context.stroke(); } }
    for (const rule of shown()) {
      context.strokeStyle = colour(rule.name);
      context.lineWidth = 2;
      context.lineJoin = "round";
      context.beginPath();
      for (let t = 0; t <= step; t++) { const [x, y] = point(rule.i, t); if (!Number.isFinite(x + y)) break; context[t ? "lineTo" : "moveTo"](px(x), py(y)); }
      context.stroke();
    }
    for (const rule of shown()) {
      const [x, y] = point(rule.i, step);
      if (!Number.isFinite(x + y)) continue;
      shapePath(context, SHAPES[ORDER.indexOf(rule.name)], px(x), py(y), 5.5);
      context.fillStyle = colour(rule.name);
      context.strokeStyle = paper;
      context.lineWidth = 1.5;
      context.fill();
      context.stroke();
    }
    context.strokeStyle = ink;
    context.lineWidth = 1.5;
    const [sx, sy] = [px(start[0]), py(start[1])];
    context.beginPath();
    context.moveTo(sx - 9, sy); context.lineTo(sx + 9, sy); context.moveTo(sx, sy - 9); context.lineTo(sx, sy + 9);
    context.stroke();
    context.restore();
  }

  // How far above the lowest loss each is, on a logarithmic scale.
  function drawCurve() {
    const { context, width, height } = sized(curve, 150), left = 40, bottom = height - 32, right = width - 6, top = 6;
    let low = 1;
    for (const rule of shown()) for (let t = 0; t < data.length; t++) { const v = loss(rule.i, t) - data.floor; if (v > 0 && v < low) low = v; }
    low = Math.max(1e-6, low / 2);
    const high = Math.max(1, ...shown().map((rule) => loss(rule.i, 0) - data.floor)) * 2;
    const px = (t) => left + t / data.steps * (right - left);
    const py = (v) => bottom - (Math.log10(Math.min(high, Math.max(low, v))) - Math.log10(low)) / (Math.log10(high) - Math.log10(low)) * (bottom - top);
    context.fillStyle = resolved("var(--ink)");
    context.strokeStyle = resolved("var(--line)");
    context.textAlign = "right";
    const stride = high / low > 1e5 ? 2 : 1;
    for (let power = Math.ceil(Math.log10(low) / stride) * stride; 10 ** power <= high; power += stride) {
      context.fillText(power ? `10${String(power).replace("-", "⁻").replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶"[d])}` : "1", left - 5, py(10 ** power) + 4);
      context.beginPath(); context.moveTo(left, py(10 ** power)); context.lineTo(right, py(10 ** power)); context.stroke();
    }
    context.textAlign = "center";
    for (let t = 0; t <= data.steps; t += 50) context.fillText(String(t), Math.min(px(t), right - 10), bottom + 14);
    context.fillText(words().axis_step, (left + right) / 2, height - 4);
    for (const rule of shown()) {
      context.strokeStyle = colour(rule.name);
      context.lineWidth = 1.7;
      context.beginPath();
      for (let t = 0; t <= step; t++) { const v = loss(rule.i, t) - data.floor; if (!Number.isFinite(v)) break; context[t ? "lineTo" : "moveTo"](px(t), py(v)); }
      context.stroke();
    }
  }

  const printed = (value) => !Number.isFinite(value) || Math.abs(value) > 1e5 ? words().gone : (Math.abs(value) < 1e-3 && value !== 0 ? value.toExponential(1) : value.toFixed(3)).replace("-", "−");
  function drawRows() {
    const say = words();
    rows.replaceChildren(make("tr", {}, make("th", { text: say.optimiser }), make("th", { className: "number", text: say.rate }), make("th", { className: "number", text: say.loss_now })),
      ...data.rules.map((rule, i) => {
        const swatch = make("canvas", { width: 36, height: 36, className: "swatch" }), context = swatch.getContext("2d");
        shapePath(context, SHAPES[ORDER.indexOf(rule.name)], 18, 18, 10);
        context.fillStyle = colour(rule.name);
        context.fill();
        const box = make("input", { type: "checkbox", checked: !hidden.has(rule.name) });
        box.addEventListener("change", () => { hidden[box.checked ? "delete" : "add"](rule.name); draw(); });
        const cell = make("td", { className: "number" });
        cell.dataset.i = String(i);
        return make("tr", {}, make("td", {}, make("label", {}, box, swatch, say[rule.name])), make("td", { className: "number", text: rule.rate }), cell);
      }));
  }

  function draw() {
    if (!data || !map.clientWidth) return;
    drawMap();
    drawCurve();
    for (const cell of rows.querySelectorAll("td[data-i]")) cell.textContent = printed(loss(Number(cell.dataset.i), step));
    scrub.value = String(step);
    count.textContent = fill(words().count, { step, steps: data.steps });
    play.textContent = playing ? words().pause : words().play;
    factorSaid.textContent = `× ${+(2 ** Number(factor.value)).toPrecision(3)}`;
  }

  function to(wanted) { step = Math.max(0, Math.min(data.steps, wanted)); draw(); }
  function stop() { playing = false; cancelAnimationFrame(frame); if (data) tell(); }
  function tell() {
    const best = shown().filter((rule) => Number.isFinite(loss(rule.i, step))).sort((a, b) => loss(a.i, step) - loss(b.i, step))[0];
    said.textContent = best && step ? fill(words().leads, { step, name: words()[best.name], loss: printed(loss(best.i, step)) }) : "";
  }
  function begin() {
    if (step >= data.steps) step = 0;
    if (still.matches) { to(data.steps); tell(); return; }  // no motion asked for: the end at once, steps by hand
    playing = true;
    [began, beganAt] = [performance.now(), step];
    const tick = (time) => {
      if (!playing) return;
      to(beganAt + Math.floor(Math.max(0, time - began) / 1000 * STEPS_A_SECOND));
      if (step >= data.steps) { stop(); draw(); } else frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    draw();
  }
  const toggle = () => { if (!data) return; if (playing) { stop(); draw(); } else begin(); };

  play.onclick = toggle;
  one.onclick = () => { stop(); to(step + 1); tell(); };
  restart.onclick = () => { stop(); to(0); tell(); };
  scrub.addEventListener("input", () => { stop(); to(Number(scrub.value)); });
  factor.addEventListener("input", () => { factorSaid.textContent = `× ${+(2 ** Number(factor.value)).toPrecision(3)}`; askSoon({}); });
  map.addEventListener("click", (event) => {
    if (!data || !box) return;
    const area = map.getBoundingClientRect();
    const fx = (event.clientX - area.left - box.x) / box.width, fy = (event.clientY - area.top - box.y) / box.height;
    if (fx < 0 || fx > 1 || fy < 0 || fy > 1) return;
    start = [data.x[0] + fx * (data.x[1] - data.x[0]), data.y[1] - fy * (data.y[1] - data.y[0])];
    ask({ start });
  });
  map.addEventListener("keydown", (event) => {
    if (!data || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (move) {
      start = ["x", "y"].map((axis, k) => Math.min(data[axis][1], Math.max(data[axis][0], start[k] + move[k] * (data[axis][1] - data[axis][0]) / 30)));
      stop(); to(0); askSoon({ start });
    } else if (event.key === " ") toggle();
    else if (event.key === ".") one.onclick();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function relabel() {
    const say = words();
    one.textContent = say.one; restart.textContent = say.restart; factorLabel.textContent = say.factor; hint.textContent = say.hint;
    curveTitle.textContent = say.curve;
    scrub.setAttribute("aria-label", say.scrub);
    factor.setAttribute("aria-label", say.factor);
    map.setAttribute("aria-label", say.map);
    chips.setAttribute("aria-label", say.surfaces);
    chips.replaceChildren(...model.get("surfaces").map((name) => {
      const chip = make("button", { type: "button", text: say[name], "aria-pressed": "false" });
      chip.dataset.name = name;
      chip.onclick = () => ask({ surface: name, start: null });
      return chip;
    }));
    if (data) { for (const chip of chips.children) chip.setAttribute("aria-pressed", String(chip.dataset.name === data.surface)); drawRows(); draw(); }
  }
  const only = model.get("only");
  if (only.length) hidden = new Set(ORDER.filter((name) => !only.includes(name)));
  const repaint = () => { if (data) { paint(); drawRows(); draw(); } };
  model.on("change:answer", receive);
  model.on("change:labels", relabel);
  const resize = new ResizeObserver(draw);
  resize.observe(map);
  const forgetTheme = onTheme(model, repaint);
  relabel();
  receive();
  if (model.get("scroll")) { touched = true; el.scrollIntoView({ block: "center" }); }
  return () => { playing = false; clearTimeout(timer); cancelAnimationFrame(frame); resize.disconnect(); forgetTheme(); };
}
export default { render };
