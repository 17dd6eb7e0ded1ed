// The sentence, the next token's distribution and one attention head, as one live thing.
// Asks `ask` after a key; the host answers with `answer` (see reader.py). Keys typed before the answer is there are asked
// for together once it is, so that a fast typist never makes answers wait for each other. Hovering stays in here.
const PATIENCE = 1500; // milliseconds after which an answer is given up for lost

// The lower triangle of one head, row after row, as little-endian float32 in base64.
function triangle(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}
const weightsOf = (all, row) => all.subarray((row * (row + 1)) / 2, ((row + 1) * (row + 2)) / 2);

const explained = (text, help) => make("span", { text, title: help, "data-help": "" });

function render({ model, el }) {
  const id = "reader" + Math.random().toString(36).slice(2, 8);
  const editor = make("textarea", { className: "editor", rows: 1, id, spellcheck: false, autocapitalize: "off" });
  const label = make("label", { className: "note", htmlFor: id });
  const error = make("div", { className: "error", role: "status", hidden: true });
  const strip = make("div", { className: "strip", tabIndex: 0, role: "listbox" });
  const tokensTitle = make("h4");
  const attentionTitle = make("h4");
  const layer = make("select");
  const head = make("select");
  const layerLabel = make("label", { className: "note" });
  const headLabel = make("label", { className: "note" });
  const map = make("canvas", { className: "map", role: "img" });
  const reading = make("p", { className: "reading", role: "status" });
  const how = make("p", { className: "note how" });
  const bars = make("div", { className: "bars" });
  const barsTitle = make("h4");
  const rest = make("p", { className: "note rest" });
  const again = make("button", { className: "primary sample", type: "button" });
  const temperature = make("input", { type: "range", min: 0, max: 2, step: 0.05, id: id + "t" });
  const temperatureLabel = make("label", { className: "note", htmlFor: id + "t" });
  const temperatureValue = make("output", { className: "note" });
  const tableButton = make("button", { className: "quiet", type: "button", "aria-expanded": "false" });
  const table = make("div", { className: "tables", hidden: true });

  layerLabel.append(make("span"), layer);
  headLabel.append(make("span"), head);
  el.append(
    make("div", { className: "reader" },
      label, editor, error,
      make("div", { className: "columns" },
        make("section", { className: "reads" }, tokensTitle, strip,
          make("div", { className: "attends" }, map,
            make("div", {}, attentionTitle, make("div", { className: "choose" }, layerLabel, headLabel), reading, how))),
        make("section", { className: "expects" }, barsTitle, bars, rest,
          make("div", { className: "controls" }, again, temperatureLabel, temperature, temperatureValue))),
      tableButton, table));

  let answer = null, timer = 0, asked = 0, composing = false, row = -1, pinned = -1;
  let weights = new Float32Array(0), sampledFrom = -1, owing = false;
  const words = () => model.get("labels");
  const percent = (p) =>
    fill(words().percent, { n: p >= 0.0995 ? (100 * p).toFixed(0) : p >= 0.001 ? (100 * p).toFixed(1) : "<0.1" });

  function ask(extra = {}) {
    clearTimeout(timer);
    owing = false;
    asked = asked ? asked + 1 : Date.now() % 1e9;
    el.firstChild.classList.add("waiting");
    sampledFrom = extra.sample ? asked : -1;
    model.set("ask", {
      text: editor.value, temperature: Number(temperature.value),
      layer: Number(layer.value || -1), head: Number(head.value || -1), nonce: asked, ...extra,
    });
    model.save_changes();
  }
  function askSoon() {
    clearTimeout(timer);
    owing = asked > 0 && model.get("answer").nonce !== asked;
    if (owing) timer = setTimeout(ask, PATIENCE);
    else ask();
  }
  function grow() { editor.style.height = "auto"; editor.style.height = Math.min(editor.scrollHeight + 2, 106) + "px"; }

  function choose(select, count, chosen) {
    if (select.options.length !== count) {
      select.replaceChildren(...Array.from({ length: count }, (_, i) => make("option", { value: i, text: String(i + 1) })));
    }
    select.value = String(chosen);
  }

  function look(next) {
    if (!answer) return;
    row = Math.max(0, Math.min(next, answer.tokens.length - 1));
    const now = answer.tokens.length ? weightsOf(weights, row) : [];
    const most = Math.max(...now, 1e-9);
    [...strip.querySelectorAll(".token")].forEach((node, i) => {
      const share = i < now.length ? now[i] / most : 0;
      node.style.backgroundColor = `color-mix(in srgb, var(--accent) ${(share * 70).toFixed(1)}%, var(--panel))`;
      node.classList.toggle("chosen", i === row);
      node.classList.toggle("later", i > row);
      node.setAttribute("aria-selected", String(i === row));
      node.title = i < now.length ? percent(now[i]) : "";
    });
    if (now.length) strip.setAttribute("aria-activedescendant", `${id}-${row}`);
    const order = [...now.keys()].sort((a, b) => now[b] - now[a]).slice(0, 3).filter((i) => now[i] >= 0.005);
    reading.replaceChildren();
    if (!now.length) return;
    reading.append(make("span", { className: "token chosen", text: answer.tokens[row] }), " ", words().looks_back, " ");
    order.forEach((i, n) => {
      if (n) reading.append(words().comma);
      const name = i === row ? words().itself : answer.tokens[i];
      const share = make("span", { className: "share-of" }, make("span", { className: i === row ? "" : "token", text: name }));
      share.append("\u00a0" + percent(now[i]));
      reading.append(share);
    });
    paint();
  }

  function paint() {
    if (!answer) return;
    const n = answer.tokens.length;
    if (!n) return;
    const size = 232, scale = Math.max(1, window.devicePixelRatio || 1);
    map.width = map.height = size * scale;
    const context = map.getContext("2d"), cell = map.width / n;
    const style = getComputedStyle(map);
    context.fillStyle = style.backgroundColor;
    context.fillRect(0, 0, map.width, map.height);
    context.fillStyle = style.color;
    for (let i = 0; i < n; i++) {
      const line = weightsOf(weights, i), most = Math.max(...line, 1e-9);
      for (let j = 0; j <= i; j++) {
        context.globalAlpha = line[j] / most;
        context.fillRect(j * cell, i * cell, Math.ceil(cell), Math.ceil(cell));
      }
    }
    context.globalAlpha = 1;
    context.strokeStyle = style.caretColor;
    context.lineWidth = 1.5 * scale;
    context.strokeRect(0.5, row * cell, (row + 1) * cell, Math.max(cell, 2));
  }

  function tokenAt(event) {
    const node = event.target.closest && event.target.closest(".token");
    return node && strip.contains(node) ? Number(node.dataset.index) : -1;
  }

  function draw() {
    const next = model.get("answer"), say = words();
    if (owing && next.nonce === asked) ask();
    el.firstChild.classList.toggle("waiting", next.nonce !== asked && asked > 0);
    error.hidden = !next.error;
    error.textContent = next.error || "";
    el.firstChild.classList.toggle("stale", Boolean(next.error));
    if (next.error) return; // what was last understood stays
    answer = next;
    if (answer.nonce === sampledFrom && answer.nonce === asked) {
      editor.value = answer.text;
      sampledFrom = -1;
      grow();
      editor.scrollTop = editor.scrollHeight;
    }
    weights = triangle(answer.attention);
    tokensTitle.replaceChildren(explained(fill(say.tokens, { n: answer.count }), say.tokens_help));
    strip.replaceChildren();
    if (answer.hidden) strip.append(make("span", { className: "note", text: fill(say.hidden, { n: answer.hidden }) + " " }));
    answer.tokens.forEach((token, i) => {
      const node = make("span", { className: "token", text: token, role: "option", id: `${id}-${i}` });
      node.dataset.index = i;
      node.classList.toggle("written", i >= answer.tokens.length - (answer.written || 0));
      strip.append(node);
      if (token.endsWith("⏎")) strip.append(make("br"));
    });
    choose(layer, answer.layers, answer.layer);
    choose(head, answer.heads, answer.head);
    const largest = Math.max(...answer.bars.map((bar) => bar.probability), 1e-9);
    const focused = bars.getRootNode().activeElement;
    const kept = focused && bars.contains(focused) ? [...bars.children].indexOf(focused) : -1;
    bars.replaceChildren(...answer.bars.map((bar) => {
      const fillNode = make("span", { className: "fill" });
      fillNode.style.width = `${(100 * bar.probability) / largest}%`;
      const node = make("button", {
        className: "bar", type: "button", disabled: bar.text === null, title: fill(say.append, { token: bar.shown }),
      }, make("span", { className: "token", text: bar.shown }), make("span", { className: "track" }, fillNode),
      make("span", { className: "share", text: percent(bar.probability) }));
      node.onclick = () => { editor.value += bar.text; grow(); ask(); };
      return node;
    }));
    if (kept >= 0 && bars.children[kept]) bars.children[kept].focus();
    rest.textContent = answer.rest_count ? fill(say.rest, { n: answer.rest_count, p: percent(answer.rest) }) : "";
    look(pinned >= 0 && pinned < answer.tokens.length ? pinned : answer.tokens.length - 1);
    strip.scrollTop = strip.scrollHeight;
    if (!table.hidden) tabulate();
  }

  function tabulate() {
    if (!answer) return;
    const say = words(), now = weightsOf(weights, row);
    const rows = (caption, heads, lines) => make("table", {}, make("caption", { className: "note", text: caption }),
      make("thead", {}, make("tr", {}, ...heads.map((text, i) => make("th", { text, scope: "col", className: i ? "number" : "" })))),
      make("tbody", {}, ...lines.map((cells) =>
        make("tr", {}, ...cells.map((text, i) => make("td", { text, className: i ? "number" : "" }))))));
    table.replaceChildren(
      rows(say.expects, [say.token, say.probability], answer.bars.map((b) => [b.shown, b.probability.toFixed(4)])),
      rows(fill(say.attention_row, { token: answer.tokens[row] }), [say.token, say.weight],
        [...now].map((w, i) => [answer.tokens[i], w.toFixed(4)])));
  }

  function relabel() {
    const say = words();
    label.textContent = say.sentence;
    barsTitle.textContent = say.expects;
    attentionTitle.replaceChildren(explained(say.attention, say.attention_help));
    how.textContent = say.map;
    layerLabel.firstChild.textContent = say.layer + " ";
    headLabel.firstChild.textContent = say.head + " ";
    again.textContent = "↻ " + say.sample;
    again.title = say.sample_help;
    temperatureLabel.textContent = say.temperature;
    temperatureLabel.title = temperature.title = say.temperature_help;
    tableButton.textContent = say.table;
    strip.setAttribute("aria-label", say.strip);
    map.setAttribute("aria-label", say.map);
    draw();
  }

  editor.value = model.get("text");
  temperature.value = model.get("temperature");
  const showTemperature = () => { temperatureValue.textContent = Number(temperature.value).toFixed(2); };
  showTemperature();
  editor.addEventListener("compositionstart", () => { composing = true; });
  editor.addEventListener("compositionend", () => { composing = false; grow(); askSoon(); });
  editor.addEventListener("input", () => { grow(); pinned = -1; if (!composing) askSoon(); });
  editor.addEventListener("keydown", (event) => event.stopPropagation());
  temperature.addEventListener("input", () => { showTemperature(); askSoon(); });
  layer.onchange = head.onchange = () => ask();
  again.onclick = () => { pinned = -1; ask({ sample: true }); };
  strip.onmouseover = (event) => { const i = tokenAt(event); if (i >= 0) look(i); };
  strip.onmouseleave = () => look(pinned >= 0 ? pinned : Infinity);
  strip.onclick = (event) => { const i = tokenAt(event); if (i >= 0) { pinned = i; look(i); if (!table.hidden) tabulate(); } };
  strip.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6 }[event.key];
    if (!step) return;
    event.preventDefault();
    look(row + step);
    pinned = row;
    if (!table.hidden) tabulate();
  };
  map.onmousemove = (event) => look(Math.floor((event.offsetY / map.clientHeight) * (answer ? answer.tokens.length : 0)));
  map.onmouseleave = strip.onmouseleave;
  tableBehind(tableButton, table, tabulate);
  const forgetTheme = onTheme(model, paint);
  model.on("change:answer", draw);
  model.on("change:labels", relabel);
  relabel();
  requestAnimationFrame(() => { grow(); paint(); });
  return () => { clearTimeout(timer); forgetTheme(); };
}
export default { render };
