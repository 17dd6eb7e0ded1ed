// One sentence through a model: a strip of heat maps in the order in which data flows, and one number explained.
// The numbers of the maps are the trace's float32; an explanation is asked from Python (walkthrough.py).
const ROW = 15, LABEL = 58, SLANT = 14, ENDS = 3;
const HUES = [
  [/^(q|q_normed|q_rotated)$/, "query"], [/^(k|k_normed|k_rotated)$/, "key"], [/^(v|head_outputs)$/, "value"],
  [/^(logits|probabilities|laid_out)$/, "prediction"], [/^(scores|masked_scores|weights|ff_gate|ff_up|ff_hidden|ff_activation)$/, "accent"],
];
const hue = (kind) => (HUES.find(([kinds]) => kinds.test(kind)) || [0, "residual"])[1];
const NEGATIVE = { key: "#56B4E9" };
const stage = (name, kind) => name.includes(".feed_forward.") ? "feed_forward" : name.includes(".attention.") ? "attention"
  : /embedding/.test(kind) ? "input" : "output";
const printed = (x) => x === null || x === -Infinity ? "−∞" : x === 0 ? "0"
  : (Math.abs(x) >= 1e-4 && Math.abs(x) < 1e5 ? Number(x.toPrecision(7)).toString() : x.toExponential(5)).replace(/^-/, "−");
const short = (x) => x === null || x === -Infinity ? "−∞"
  : (x !== 0 && Math.abs(x) < 5e-4 ? x.toExponential(1) : x.toFixed(3)).replace(/^-/, "−");

function render({ model, el }) {
  const id = "walk" + Math.random().toString(36).slice(2, 8);
  const editor = make("input", { type: "text", className: "editor", id, spellcheck: false, autocomplete: "off" });
  const label = make("label", { className: "note", htmlFor: id });
  const error = make("div", { className: "error", role: "status", hidden: true });
  const layer = make("select"), head = make("select");
  const layerLabel = make("label", { className: "note" }, make("span"), layer);
  const headLabel = make("label", { className: "note" }, make("span"), head);
  const stages = make("div", { className: "stages" });
  const pipeline = make("div", { className: "pipeline" });
  const fade = fadingEdges(pipeline);
  const how = make("p", { className: "note how" });
  const panel = make("section", { className: "explained", "aria-live": "polite" });
  const tableButton = make("button", { className: "quiet", type: "button", "aria-expanded": "false" });
  const table = make("div", { className: "tables", hidden: true });
  el.append(make("div", { className: "walk" }, label, editor, error,
    make("div", { className: "bar" }, layerLabel, headLabel, stages), pipeline, how, panel, tableButton, table));
  const root = el.firstChild;

  let answer = null, steps = [], stamp = "", cell = null, nonce = Date.now() % 1e9, timer = 0, drawing = 0, moving = false;
  const words = () => model.get("labels");
  const title = (step) => words()["step_" + step.kind] || step.kind;
  const named = (name) => steps.find((step) => step.name === name);

  function ask(extra) {
    clearTimeout(timer);
    moving = false;
    root.classList.add("waiting");
    model.set("ask", { text: editor.value, layer: +layer.value || 0, head: +head.value || 0, cell, have: stamp, nonce: ++nonce, ...extra });
    model.save_changes();
  }
  const column = (step, j) => step.columns === "token" ? answer.tokens[j] : step.columns === "vocabulary" ? answer.vocabulary[j] : String(j);

  function choose(step, row, j, wait = 0) {
    const [rows, columns] = step.values.shape;
    cell = { step: step.name, row: Math.max(0, Math.min(row, rows - 1)), column: Math.max(0, Math.min(j, columns - 1)) };
    moving = true;
    paint();
    clearTimeout(timer);
    timer = setTimeout(() => ask(), wait);
  }

  function options(select, count, chosen) {
    if (select.options.length !== count) {
      select.replaceChildren(...Array.from({ length: count }, (_, i) => make("option", { value: i, text: String(i + 1) })));
    }
    select.value = String(chosen);
  }

  // A heat map: the tokens of the rows on its left (and of the columns above where those are tokens), one cell a number.
  function card(step) {
    const [rows, columns] = step.values.shape;
    const named = step.columns !== "dimension", width = named ? ROW : columns <= 64 ? 5 : columns <= 256 ? 2 : 420 / columns;
    step.cellWidth = width;
    step.top = named ? 26 : 4;
    const slanted = named && Array.from({ length: columns }, (_, j) => column(step, j)).some((name) => name.length > 1);
    const canvas = make("canvas", { className: "map", tabIndex: 0, role: "img" });
    canvas.style.width = `${LABEL + width * columns + (slanted ? SLANT : 2)}px`;
    canvas.style.height = `${step.top + ROW * rows + 2}px`;
    const at = (event) => [Math.floor((event.offsetY - step.top) / ROW), Math.floor((event.offsetX - LABEL) / width)];
    const inside = ([row, j]) => row >= 0 && j >= 0 && row < rows && j < columns;
    canvas.onclick = (event) => { const place = at(event); if (inside(place)) choose(step, ...place); };
    canvas.onmousemove = (event) => {
      const place = at(event);
      canvas.title = inside(place)
        ? `${answer.tokens[place[0]]} · ${column(step, place[1])}: ${printed(step.values[place[0] * columns + place[1]])}` : "";
    };
    canvas.onkeydown = (event) => {
      const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [0, 0], " ": [0, 0] }[event.key];
      if (!move) return;
      event.preventDefault();
      const here = cell && cell.step === step.name ? cell : { row: rows - 1, column: 0 };
      choose(step, here.row + move[0], here.column + move[1], 120);
    };
    step.canvas = canvas;
    const formula = make("div", { className: "how-made" });
    markup(formula, step.formula);  // MathML that Python made from the trace's own formulas
    const size = step.columns === "vocabulary" ? fill(answer.writes ? words().likeliest : words().likeliest_in, { n: columns, token: answer.tokens[answer.at] }) : `${rows} × ${columns}`;
    const made = make("figure", { className: "card" }, make("figcaption", {}, make("strong", { text: title(step) }),
      make("span", { className: "note", text: size })), formula, canvas);
    made.style.setProperty("--hue", `var(--llm-${hue(step.kind)})`);
    return made;
  }

  function paintMap(step) {
    const { canvas, values, cellWidth: width, top } = step, [rows, columns] = values.shape;
    const scale = Math.max(1, window.devicePixelRatio || 1), style = getComputedStyle(canvas);
    canvas.width = parseFloat(canvas.style.width) * scale;
    canvas.height = parseFloat(canvas.style.height) * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.fillStyle = style.backgroundColor;
    pen.fillRect(LABEL, top, width * columns, ROW * rows);
    let most = 1e-12;
    for (const x of values) if (Number.isFinite(x)) most = Math.max(most, Math.abs(x));
    const negative = NEGATIVE[hue(step.kind)] || "#E69F00";
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
      const x = values[i * columns + j];
      pen.globalAlpha = Number.isFinite(x) ? Math.sqrt(Math.abs(x) / most) : 0.16;
      pen.fillStyle = !Number.isFinite(x) ? style.caretColor : x < 0 ? negative : style.color;
      pen.fillRect(LABEL + j * width, top + i * ROW, Math.max(width - (width > 4 ? 0.5 : 0), 0.6), ROW - 0.5);
    }
    pen.globalAlpha = 1;
    pen.fillStyle = style.caretColor;
    pen.font = `11px ${style.fontFamily}`;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    answer.tokens.forEach((token, i) => pen.fillText(token, LABEL - 5, top + (i + 0.5) * ROW, LABEL - 6));
    if (step.columns !== "dimension") {
      pen.textAlign = "center";
      for (let j = 0; j < columns; j++) {
        const name = column(step, j);
        pen.save();
        pen.translate(LABEL + (j + 0.5) * width, top - 4);
        if (name.length > 1) { pen.rotate(-Math.PI / 3); pen.textAlign = "left"; pen.fillText(name.slice(0, 6), 0, 0, 26); }
        else pen.fillText(name, 0, -5);
        pen.restore();
      }
    }
    if (cell && cell.step === step.name) {
      pen.strokeStyle = style.caretColor;
      pen.lineWidth = 2;
      const wide = Math.max(width, 4);
      pen.strokeRect(LABEL + (cell.column + 0.5) * width - wide / 2, top + cell.row * ROW - 0.5, wide, ROW);
    }
    const here = cell && cell.step === step.name && cell.row >= 0 ? cell : null;
    const said = here && `${answer.tokens[here.row]}, ${column(step, here.column)}: ${printed(values[here.row * columns + here.column])}`;
    canvas.setAttribute("aria-label", `${title(step)}. ${said || words().keys}`);
  }
  const paint = () => { if (answer) steps.forEach(paintMap); };

  // A long vector: its first and last numbers printed, all of them in a strip to point at.
  function vector(values, colour) {
    const box = make("span", { className: "vector" });
    if (values.length === 1) return make("span", { className: "number", text: printed(values[0]) });
    const canvas = make("canvas", { className: "strip", role: "img" });
    canvas.width = Math.min(600, values.length * Math.max(1, Math.floor(300 / values.length)));
    canvas.height = 18;
    canvas.style.color = colour;
    const said = make("span", { className: "note number" });
    const all = [...values], ends = all.length <= 2 * ENDS ? all.map(short).join("  ")
      : `${all.slice(0, ENDS).map(short).join("  ")} … ${all.slice(-ENDS).map(short).join("  ")}`;
    said.textContent = `[${ends}]`;
    canvas.setAttribute("aria-label", `${all.length}: ${said.textContent}`);
    canvas.onmousemove = (event) => {
      const i = Math.min(all.length - 1, Math.floor((event.offsetX / canvas.clientWidth) * all.length));
      said.textContent = `[${i}] = ${printed(all[i])}`;
    };
    canvas.onmouseleave = () => { said.textContent = `[${ends}]`; };
    requestAnimationFrame(() => {
      const pen = canvas.getContext("2d"), most = Math.max(1e-12, ...all.filter(Number.isFinite).map(Math.abs));
      const positive = getComputedStyle(canvas).color, width = canvas.width / all.length;
      all.forEach((x, i) => {
        if (!Number.isFinite(x)) return;
        pen.globalAlpha = Math.sqrt(Math.abs(x) / most);
        pen.fillStyle = x < 0 ? (colour.includes("key") ? NEGATIVE.key : "#E69F00") : positive;
        pen.fillRect(i * width, 0, Math.max(width - (width > 3 ? 0.5 : 0), 1), 18);
      });
    });
    box.append(canvas, said);
    return box;
  }

  async function explain() {
    const say = words(), found = answer.cell, step = named(found.step), mine = ++drawing;
    if (!step) return;
    const operands = await Promise.all(found.operands.map(async (o) => ({ ...o, values: await unpack(o.values) })));
    if (mine !== drawing) return;
    const place = fill(step.columns === "dimension" ? say.at_dimension : step.columns === "token" ? say.at_token : say.at_vocabulary,
      { token: answer.tokens[found.row], position: found.row, column: column(step, found.column) });
    const formula = make("div", { className: "formula" });
    markup(formula, found.formula);
    fadingEdges(formula);
    const rows = operands.map(({ tex, name, values }) => {
      const symbol = make("span", { className: "symbol" });
      markup(symbol, name);
      return make("div", { className: "operand" }, symbol, vector(values, `var(--${{ q: "llm-query", k: "llm-key", v: "llm-value" }[tex[0]] || "hue"})`));
    });
    const long = operands.filter((o) => o.values.length > 1);
    if (long.length === 2 && long[0].values.length === long[1].values.length) {  // a dot product: show its terms
      const terms = long[0].values.map((x, i) => x * long[1].values[i]);
      const sum = long[0].values.reduce((total, x, i) => total + x * long[1].values[i], 0);
      rows.push(make("div", { className: "operand" }, make("span", { className: "symbol note", text: say.products }), vector(terms, "var(--hue)")));
      rows.push(make("div", { className: "operand" }, make("span", { className: "symbol note", text: say.sum }), make("span", { className: "number", text: printed(sum) })));
    }
    const agrees = found.shown === found.computed || Math.abs(found.shown - found.computed) <= 1e-4 + 1e-4 * Math.abs(found.shown);
    const result = make("dl", { className: "result" },
      make("div", {}, make("dt", { text: say.computed }), make("dd", { className: "computed", text: printed(found.computed) })),
      make("div", {}, make("dt", { text: say.shown }), make("dd", { className: "shown", text: printed(found.shown) })),
      make("div", { className: agrees ? "agrees" : "differs", text: agrees ? `✓ ${say.agrees}` : say.differs }));
    const copy = make("button", { type: "button", text: say.copy });
    copy.onclick = () => {
      const area = make("textarea", { value: found.code });
      if (navigator.clipboard) navigator.clipboard.writeText(found.code);
      else { root.append(area); area.select(); document.execCommand("copy"); area.remove(); }
      copy.textContent = say.copied;
    };
    const places = make("div", { className: "places" });
    const rowChoice = make("select", { "aria-label": say.position });
    rowChoice.append(...answer.tokens.map((token, i) => make("option", { value: i, text: `${i} ${token}` })));
    rowChoice.value = String(found.row);
    const columnChoice = make("input", { type: "number", min: 0, max: step.values.shape[1] - 1, value: found.column, "aria-label": say.column });
    rowChoice.onchange = columnChoice.onchange = () => choose(step, +rowChoice.value, +columnChoice.value);
    columnChoice.onkeydown = (event) => event.stopPropagation();
    places.append(make("label", { className: "note" }, say.position + " ", rowChoice), make("label", { className: "note" }, say.column + " ", columnChoice));
    const opened = panel.querySelector("details")?.open;
    const code = make("details", { open: !!opened }, make("summary", { text: say.code }), make("pre", {}, make("code", { text: found.code })), copy);
    fadingEdges(code.querySelector("pre"));
    panel.style.setProperty("--hue", `var(--llm-${hue(step.kind)})`);
    const parts = [make("div", { className: "operands" }, ...rows), result];
    if (step.kind === "laid_out") {
      const width = step.values.shape[1], sum = step.values[(found.row + 1) * width - 1];
      parts.push(make("p", { className: "note", text: fill(say.drawing, { left: `${(100 * (1 - sum)).toFixed(1)} %` }) }));
    }
    panel.replaceChildren(make("h4", {}, make("span", { className: "kind", text: title(step) }), ` ${place}`), places, formula, ...parts, code);
    if (!table.hidden) tabulate();
  }

  function tabulate() {
    const step = cell && named(cell.step);
    if (!step) return;
    const columns = step.values.shape[1], first = Math.max(0, Math.min(cell.column - 8, columns - 16)), last = Math.min(columns, first + 16);
    const range = Array.from({ length: last - first }, (_, i) => first + i);
    table.replaceChildren(make("table", {},
      make("caption", { className: "note", text: fill(words().table_caption, { step: title(step), from: first, to: last - 1, all: columns }) }),
      make("thead", {}, make("tr", {}, make("th", { text: words().position, scope: "col" }),
        ...range.map((j) => make("th", { text: column(step, j), scope: "col", className: "number" })))),
      make("tbody", {}, ...answer.tokens.map((token, i) => make("tr", {}, make("th", { text: token, scope: "row" }),
        ...range.map((j) => make("td", { text: short(step.values[i * columns + j]), className: "number" })))))));
  }

  async function take() {
    const next = model.get("answer");
    root.classList.remove("waiting");
    error.hidden = !next.error;
    error.textContent = next.error || "";
    root.classList.toggle("stale", !!next.error);
    if (next.error) return;
    if (!next.steps && next.stamp !== stamp) { stamp = ""; ask(); return; }  // mounted again: the steps are asked for again
    if (next.steps && next.stamp !== stamp) {
      const unpacked = await Promise.all(next.steps.map(async (step) => ({ ...step, values: await unpack(step.values) })));
      if (model.get("answer") !== next) return;
      answer = next; steps = unpacked; stamp = next.stamp;
      layout();
    } else answer = next;
    const { step, row, column: j } = answer.cell;
    if (!cell || (!moving && next.nonce === nonce)) cell = { step, row, column: j };
    options(layer, answer.layers, answer.layer);
    options(head, answer.heads, answer.head);
    paint();
    explain();
  }

  function layout() {
    const held = pipeline.scrollLeft, first = !pipeline.children.length;
    const parts = [];
    let before = "";
    stages.replaceChildren();
    steps.forEach((step) => {
      const here = stage(step.name, step.kind), made = card(step);
      if (parts.length) parts.push(make("span", { className: "arrow", text: "→", "aria-hidden": "true" }));
      parts.push(made);
      if (here !== before) {
        const jump = make("button", { type: "button", text: words()["stage_" + here] });
        jump.onclick = () => pipeline.scrollTo({ left: made.offsetLeft - pipeline.offsetLeft - 4, behavior: "smooth" });
        stages.append(jump);
        before = here;
      }
    });
    pipeline.replaceChildren(...parts);
    pipeline.scrollLeft = held;
    fade();
    if (first) requestAnimationFrame(() => {
      const chosen = named(answer.cell.step);
      if (chosen) pipeline.scrollLeft = Math.max(0, chosen.canvas.parentElement.offsetLeft - pipeline.offsetLeft - 0.35 * pipeline.clientWidth);
    });
  }

  function relabel() {
    const say = words();
    label.textContent = say.sentence;
    layerLabel.firstChild.textContent = say.layer + " ";
    headLabel.firstChild.textContent = say.head + " ";
    how.textContent = say.how;
    tableButton.textContent = say.table;
    pipeline.setAttribute("aria-label", say.pipeline);
    if (answer) { layout(); paint(); explain(); }
  }

  editor.value = model.get("text");
  let composing = false;
  const soon = () => { clearTimeout(timer); timer = setTimeout(() => { cell = cell && { step: cell.step }; ask(); }, 350); };
  editor.addEventListener("compositionstart", () => { composing = true; });
  editor.addEventListener("compositionend", () => { composing = false; soon(); });
  editor.addEventListener("input", () => { if (!composing) soon(); });
  editor.addEventListener("keydown", (event) => event.stopPropagation());
  layer.onchange = head.onchange = () => {
    const kept = cell && named(cell.step);
    if (kept) cell = { ...cell, step: cell.step.replace(/^layers\.\d+/, `layers.${layer.value}`) };
    ask();
  };
  tableBehind(tableButton, table, tabulate);
  const forgetTheme = onTheme(model, () => { paint(); if (answer) explain(); });
  model.on("change:answer", take);
  model.on("change:labels", relabel);
  relabel();
  take();
  return () => { clearTimeout(timer); forgetTheme(); };
}
export default { render };
