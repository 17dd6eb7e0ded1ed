// A computation graph stepped forward and backward: values appear node by node, then gradients walk back.
// Every number comes from Python's engine; in here they are only shown.
const PAUSE = 150;
const BOX = { width: 112, height: 58 };

function render({ model, el }) {
  const id = "graph" + Math.random().toString(36).slice(2, 8);
  const field = make("input", { className: "formula", type: "text", id, spellcheck: false, autocomplete: "off" });
  const fieldLabel = make("label", { className: "note", htmlFor: id });
  const chips = make("div", { className: "chips", role: "group" });
  const inputs = make("div", { className: "inputs" });
  const error = make("p", { className: "error", hidden: true });
  const first = make("button", { type: "button", className: "quiet" }), back = make("button", { type: "button" });
  const next = make("button", { type: "button", className: "primary" }), last = make("button", { type: "button", className: "quiet" });
  const tabulate = make("button", { type: "button", className: "quiet", "aria-expanded": "false" });
  const status = make("div", { className: "status", "aria-live": "polite" });
  const drawing = make("div", { className: "drawing", tabIndex: 0, role: "group" });
  const detail = make("div", { className: "detail" });
  const table = make("div", { className: "all", hidden: true });
  const hint = make("p", { className: "note hint" });
  el.append(make("div", { className: "graph" }, chips, make("div", { className: "entry" }, fieldLabel, field), inputs, error,
    make("div", { className: "bar" }, first, back, next, last, tabulate), status,
    make("div", { className: "stage" }, drawing, detail), hint, table));

  let step = 0, selected = null, timer = 0, asked = 0, shownInputs = "";
  const words = () => model.get("labels");
  const answer = () => model.get("answer");
  const made = () => answer().nodes.map((node, i) => (node.parents.length ? i : -1)).filter((i) => i >= 0);
  const steps = () => made().length + answer().snapshots.length;

  function ask(what) {
    clearTimeout(timer);
    asked = asked ? asked + 1 : Date.now() % 1e9;
    model.set("ask", { ...what, nonce: asked });
    model.save_changes();
  }
  const values = () => Object.fromEntries([...inputs.querySelectorAll("input")].map((input) => [input.dataset.name, Number(input.value)]));
  const askSoon = () => { clearTimeout(timer); timer = setTimeout(() => ask({ source: field.value, values: values() }), PAUSE); };

  // What is known after `step` steps: how many values, and which gradients.
  function known() {
    const order = made(), forward = Math.min(step, order.length), backward = step - order.length;
    const computed = new Set(order.slice(0, forward));
    return {
      has: (i) => !answer().nodes[i].parents.length || computed.has(i),
      gradients: backward > 0 ? answer().snapshots[backward - 1].gradients : answer().nodes.map(() => null),
      current: backward > 0 ? answer().snapshots[backward - 1].node : forward > 0 ? order[forward - 1] : null,
      backward: Math.max(0, backward), forward,
    };
  }
  const short = (said) => (Array.isArray(said) ? `${said.length}×${said[0].length}` : said);

  function sayStep(now) {
    const order = made(), say = words();
    if (step === 0) return say.at_start;
    const node = answer().nodes[now.current];
    if (!now.backward) return fill(say.forward_step, { step: now.forward, last: order.length, formula: `${node.formula} ${node.worked}`.trim() });
    const to = node.partials.map((partial) => answer().nodes[partial.parent].name).join(", ");
    return fill(say.backward_step, { step: now.backward, last: answer().snapshots.length, name: node.name, to });
  }

  function place(upright) {
    const nodes = answer().nodes;
    const across = upright ? 122 : 150, down = upright ? 98 : 74;
    const at = nodes.map((node) => (upright ? [node.row * across, node.column * down] : [node.column * across, node.row * down]));
    const width = Math.max(...at.map((p) => p[0])) + BOX.width + 8, height = Math.max(...at.map((p) => p[1])) + BOX.height + 8;
    return { at: at.map(([x, y]) => [x + 4, y + 4]), width, height };
  }

  const svg = (tag, attributes = {}, ...children) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const text = (x, y, said, className) => svg("text", { x, y, class: className, "text-anchor": "middle" }, document.createTextNode(said));

  function draw() {
    if (answer().error) return;
    const nodes = answer().nodes, now = known(), room = drawing.clientWidth - 6;
    const lying = place(false), upright = room > 0 && lying.width > room && lying.width > place(true).width;
    const { at, width, height } = upright ? place(true) : lying;
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
    picture.style.minWidth = `${Math.round(0.78 * width)}px`;  // smaller would not be read: then it scrolls
    const focus = selected ?? now.current;
    nodes.forEach((node, i) => node.partials.forEach((partial) => {
      const [px, py] = at[partial.parent], [x, y] = at[i];
      const from = upright ? [px + BOX.width / 2, py + BOX.height] : [px + BOX.width, py + BOX.height / 2];
      const to = upright ? [x + BOX.width / 2, y] : [x, y + BOX.height / 2];
      const bend = upright ? [from[0], (from[1] + to[1]) / 2, to[0], (from[1] + to[1]) / 2] : [(from[0] + to[0]) / 2, from[1], (from[0] + to[0]) / 2, to[1]];
      const lit = now.backward > 0 && i === now.current;
      picture.append(svg("path", { d: `M${from} C${bend.slice(0, 2)} ${bend.slice(2)} ${to}`, class: lit ? "edge lit" : "edge" }));
    }));
    nodes.forEach((node, i) => {
      const [x, y] = at[i], gradient = now.gradients[i], middle = x + BOX.width / 2;
      const box = svg("g", { class: `node${node.parents.length ? "" : " leaf"}${i === now.current ? " current" : ""}${i === focus ? " focus" : ""}` });
      const right = node.formula ? node.formula.slice(node.name.length + 3) : "";
      const title = !right ? node.name : `${node.name} = ${right}`.length > 16 ? `${node.name} = ${node.operation}` : `${node.name} = ${right}`;
      box.append(svg("rect", { x, y, width: BOX.width, height: BOX.height, rx: 7 }), text(middle, y + 16, title, title.length > 14 ? "name long" : "name"),
        text(middle, y + 33, now.has(i) ? short(node.value) : "?", "value"),
        text(middle, y + 50, gradient === null ? "" : `∂ ${short(gradient)}`, "gradient"));
      box.addEventListener("click", () => { selected = i; draw(); });
      picture.append(box);
    });
    // where the walk is, what each way multiplies by
    if (now.backward > 0) answer().nodes[now.current].partials.forEach((partial) => {
      if (partial.local === null) return;
      const [px, py] = at[partial.parent], [x, y] = at[now.current];
      const [across, down] = [(px + x) / 2, (py + y + BOX.height) / 2];  // beside the line, on its outer side
      if (upright) picture.append(text(across + BOX.width / 2 + (px < x ? -20 : 20), down + 15, `× ${partial.local}`, "factor"));
      else picture.append(text(across + BOX.width / 2, down + (py < y ? -10 : 16), `× ${partial.local}`, "factor"));
    });
    drawing.replaceChildren(picture);
    status.textContent = sayStep(now);
    status.classList.toggle("backward", now.backward > 0);
    first.disabled = back.disabled = step === 0;
    next.disabled = last.disabled = step === steps();
    next.textContent = step < made().length ? `${words().next_forward} ›` : `${words().next_backward} ›`;
    tell(focus, now);
    if (!table.hidden) tabled();
  }

  const matrix = (said) => {
    if (!Array.isArray(said)) return document.createTextNode(said);
    return make("table", { className: "matrix" }, ...said.map((row) => make("tr", {}, ...row.map((cell) => make("td", { className: "number", text: cell })))));
  };
  const line = (className, ...parts) => make("div", { className: `line ${className}` }, ...parts.map((part) => (typeof part === "string" ? make("span", { text: part }) : part)));

  // Everything about one node: formula with numbers, local derivatives, and how its gradient came together.
  function tell(i, now) {
    const say = words();
    if (i === null) { detail.replaceChildren(make("p", { className: "note", text: say.pick })); return; }
    const nodes = answer().nodes, node = nodes[i], found = [make("h4", { text: node.name })];
    found.push(make("div", { className: "note", text: node.parents.length ? say.value : say.input }));
    if (!now.has(i)) found.push(line("", `${node.formula} = ?`));
    else if (Array.isArray(node.value)) found.push(line("", node.formula || `${node.name} =`), matrix(node.value));
    else found.push(line("", node.formula ? `${node.formula} ${node.worked || `= ${node.value}`}` : `${node.name} = ${node.value}`));
    if (node.partials.length && now.has(i)) {
      found.push(make("div", { className: "note", text: node.partials[0].local === null ? say.passes : say.local }));
      for (const partial of node.partials) {
        const to = nodes[partial.parent].name;
        if (partial.local === null) { found.push(line("", `∂L/∂${to} += ${partial.rule}`)); continue; }
        const chain = [partial.rule, partial.worked, partial.local].filter((part, k, all) => part && part !== all[k - 1]);
        found.push(line("", `∂${node.name}/∂${to} = ${chain.join(" = ")}`));
      }
    }
    const gradient = now.gradients[i];
    if (gradient !== null) {
      found.push(make("div", { className: "note", text: say.gradient }));
      if (Array.isArray(gradient)) found.push(line("gradient", `∂L/∂${node.name} =`), matrix(gradient));
      else found.push(line("gradient", `∂L/∂${node.name} = ${cameFrom(i, now, gradient)}`));
    }
    detail.replaceChildren(...found);
  }

  function cameFrom(i, now, gradient) {
    const ways = [], nodes = answer().nodes, passed = new Set(answer().snapshots.slice(0, now.backward).map((s) => s.node));
    nodes.forEach((child, c) => child.partials.forEach((partial) => {
      if (partial.parent === i && passed.has(c) && partial.local !== null) ways.push([`∂L/∂${child.name} · ∂${child.name}/∂${nodes[i].name}`, `${bracket(now.gradients[c])} · ${bracket(partial.local)}`]);
    }));
    if (!ways.length) return gradient;
    return `${ways.map((way) => way[0]).join(" + ")} = ${ways.map((way) => way[1]).join(" + ")} = ${gradient}`;
  }
  const bracket = (said) => (said.startsWith("−") ? `(${said})` : said);

  function tabled() {
    const say = words(), final = answer().snapshots.at(-1)?.gradients;
    table.replaceChildren(make("table", {},
      make("tr", {}, ...[say.node, say.formula_word, say.value_word, say.gradient_word].map((word) => make("th", { text: word }))),
      ...answer().nodes.map((node, i) => make("tr", {}, make("td", { text: node.name }), make("td", { text: node.formula || say.input }),
        make("td", {}, matrix(node.value)), make("td", {}, matrix(final ? final[i] : "1"))))));
  }

  function drawInputs() {
    const now = answer().inputs.map((input) => input.name).join(" ") + answer().example;
    if (now === shownInputs) return;  // while a slider moves it stays under the finger
    shownInputs = now;
    inputs.replaceChildren(...answer().inputs.map((input) => {
      const output = make("output", { text: String(input.value).replace("-", "−") });
      const slider = make("input", { type: "range", min: -5, max: 5, step: 0.1, value: input.value, "aria-label": input.name });
      slider.dataset.name = input.name;
      slider.addEventListener("input", () => { output.textContent = slider.value.replace("-", "−"); askSoon(); });
      return make("label", {}, make("span", { className: "who", text: input.name }), slider, output);
    }));
  }

  function receive() {
    const found = answer();
    error.hidden = !found.error;
    error.textContent = found.error ?? "";
    if (document.activeElement !== field && el.getRootNode().activeElement !== field) field.value = found.source;
    for (const chip of chips.children) chip.setAttribute("aria-pressed", String(chip.dataset.name === found.example));
    field.parentElement.hidden = found.example === "network";
    if (found.error) return;
    drawInputs();
    step = Math.min(step, steps());
    if (selected !== null && selected >= found.nodes.length) selected = null;
    draw();
  }

  function relabel() {
    const say = words();
    fieldLabel.textContent = say.formula;
    first.textContent = say.to_start; last.textContent = say.to_end; back.textContent = `‹ ${say.back}`; tabulate.textContent = say.table;
    drawing.setAttribute("aria-label", say.drawing);
    chips.setAttribute("aria-label", say.examples);
    hint.textContent = say.hint;
    chips.replaceChildren(...model.get("examples").map((example) => {
      const chip = make("button", { type: "button", text: example.label, "aria-pressed": "false" });
      chip.dataset.name = example.name;
      chip.onclick = () => { step = 0; selected = null; shownInputs = ""; ask({ example: example.name }); };
      return chip;
    }));
    receive();
  }

  const go = (wanted) => { step = Math.max(0, Math.min(wanted, steps())); selected = null; draw(); };
  first.onclick = () => go(0);
  back.onclick = () => go(step - 1);
  next.onclick = () => go(step + 1);
  last.onclick = () => go(steps());
  tableBehind(tabulate, table, tabled);
  field.addEventListener("input", askSoon);
  field.addEventListener("keydown", (event) => event.stopPropagation());
  drawing.addEventListener("keydown", (event) => {
    const count = answer().nodes.length, here = selected ?? known().current ?? -1;
    const actions = {
      ArrowRight: () => go(step + 1), ArrowLeft: () => go(step - 1), Home: () => go(0), End: () => go(steps()),
      ArrowDown: () => { selected = (here + 1) % count; draw(); }, ArrowUp: () => { selected = (here - 1 + count) % count; draw(); },
      Escape: () => { selected = null; draw(); },
    };
    if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  });
  model.on("change:answer", receive);
  model.on("change:labels", relabel);
  const resize = new ResizeObserver(() => draw());
  resize.observe(drawing);
  relabel();
  if (model.get("scroll")) el.scrollIntoView({ block: "center" });
  return () => { clearTimeout(timer); resize.disconnect(); };
}
export default { render };
