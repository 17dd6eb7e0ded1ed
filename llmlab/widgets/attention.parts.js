// What the widget is made of, what stands on it, and what keys and pointer do.

function attentionParts(id) {
  const button = (className = "") => make("button", { type: "button", className });
  const canvas = (className) => make("canvas", { className, tabIndex: 0, role: "application" });
  const ui = {
    editor: make("textarea", { className: "editor", rows: 1, id, spellcheck: false, autocapitalize: "off", dir: "auto" }),
    second: make("textarea", { className: "editor", rows: 1, spellcheck: false, hidden: true, dir: "auto" }),
    label: make("label", { className: "note", htmlFor: id }),
    addSecond: button("quiet"),
    error: make("div", { className: "error", role: "status", hidden: true }),
    views: VIEWS.map(() => button("view")),
    layer: make("select"), headChoice: make("select"), layerWord: make("span"), headWord: make("span"),
    habit: make("span", { className: "habit", "data-help": "" }),
    heads: canvas("heads"), picture: canvas("picture"),
    chips: make("div", { className: "chips" }),
    tip: make("div", { className: "tip", role: "tooltip", hidden: true }),
    sentence: make("p", { className: "sentence", role: "status" }), hint: make("p", { className: "note hint" }),
    mass: make("input", { type: "range", min: 0.1, max: 1, step: 0.01, value: 0.9, id: id + "m" }), massLabel: make("label", { className: "note", htmlFor: id + "m" }),
    windowAt: make("input", { type: "range", min: 0, step: 1, value: 0 }), windowSays: make("output", { className: "note" }),
    search: make("input", { type: "search", className: "search" }), hits: make("output", { className: "note" }),
    flow: button(), span: make("select"), pair: make("select"), spanWord: make("span"), pairWord: make("span"),
    saves: [button(), button(), button()], saveWord: make("span", { className: "note" }),
    tableButton: make("button", { className: "quiet", type: "button", "aria-expanded": "false" }),
    table: make("div", { className: "tables", hidden: true }),
    keys: make("p", { className: "note keys" }), more: make("summary"),
  };
  ui.beside = make("div", { className: "beside" }, ui.heads);
  ui.stage = make("div", { className: "stage" }, ui.picture, ui.tip);
  ui.massRow = make("div", { className: "line" }, ui.massLabel, ui.mass);
  ui.window = make("div", { className: "line" }, ui.windowSays, ui.windowAt);
  ui.spanRow = make("label", { className: "note" }, ui.spanWord, ui.span);
  ui.pairRow = make("label", { className: "note" }, ui.pairWord, ui.pair);
  ui.body = make("div", {},
    make("div", { className: "bar" }, make("div", { className: "views", role: "group" }, ...ui.views),
      make("label", { className: "note" }, ui.layerWord, ui.layer), make("label", { className: "note" }, ui.headWord, ui.headChoice), ui.habit),
    make("div", { className: "columns" }, ui.beside,
      make("div", { className: "large" }, ui.chips, ui.stage, ui.window, ui.sentence, ui.hint)));
  ui.under = make("div", {},
    make("details", { className: "more" }, ui.more,
      make("div", { className: "settings" }, ui.massRow, ui.flow, ui.spanRow, ui.pairRow, make("div", { className: "line" }, ui.search, ui.hits),
        make("div", { className: "line" }, ui.saveWord, ...ui.saves)), ui.keys),
    ui.tableButton, ui.table);
  ui.root = make("div", { className: "attention" }, make("div", { className: "line" }, ui.label, ui.addSecond), ui.editor, ui.second, ui.error, ui.body, ui.under);
  ui.grow = () => {
    for (const area of [ui.editor, ui.second]) {
      area.style.height = "auto";
      area.style.height = `${Math.min(area.scrollHeight + 2, 106)}px`;
    }
  };
  return ui;
}

function attentionWords(ui, say) {
  ui.label.textContent = say.text;
  ui.second.setAttribute("aria-label", say.second);
  ui.second.placeholder = say.second;
  ui.addSecond.textContent = say.add_second;
  ui.addSecond.title = say.add_second_help;
  ui.views.forEach((button, i) => { button.textContent = say[`view_${VIEWS[i]}`]; button.title = say[`view_${VIEWS[i]}_help`]; });
  ui.layerWord.textContent = `${say.layer} `;
  ui.headWord.textContent = `${say.head} `;
  ui.heads.setAttribute("aria-label", say.heads_label);
  ui.picture.setAttribute("aria-label", `${say.picture_label} ${say.keys}`);
  ui.massLabel.textContent = fill(say.mass, { p: Math.round(100 * ui.mass.value) });
  ui.windowAt.setAttribute("aria-label", say.window_label);
  ui.search.placeholder = say.search;
  ui.search.setAttribute("aria-label", say.search);
  ui.hint.textContent = say.hint;
  ui.more.textContent = say.more;
  ui.keys.textContent = say.keys;
  ui.saveWord.textContent = say.save;
  ["PNG", "SVG", "HTML"].forEach((kind, i) => { ui.saves[i].textContent = kind; });
  ui.tableButton.textContent = say.table;
  ui.spanWord.textContent = `${say.span} `;
  ui.pairWord.textContent = `${say.pair} `;
  const refill = (select, options) => {
    const before = select.value;
    select.replaceChildren(...options.map(([value, text]) => make("option", { value, text })));
    if (before) select.value = before;
  };
  refill(ui.span, [["0", say.span_auto], ...["12", "24", "48", "96", "192"].map((n) => [n, n]), ["9999", say.span_all]]);
  refill(ui.pair, [["all", say.pair_all], ["00", "A → A"], ["01", "A → B"], ["10", "B → A"], ["11", "B → B"]]);
}

function attentionEvents({ ui, s, live, ask, askSoon, open, show, search, draw, drawSoon, needNumbers, scene, besideScene, ready, save }) {
  let composing = false;
  for (const area of [ui.editor, ui.second]) {
    area.addEventListener("compositionstart", () => { composing = true; });
    area.addEventListener("compositionend", () => { composing = false; ui.grow(); askSoon(); });
    area.addEventListener("input", () => { ui.grow(); if (!composing && live) askSoon(); });
  }
  for (const field of [ui.editor, ui.second, ui.search]) field.addEventListener("keydown", (event) => event.stopPropagation());
  ui.addSecond.onclick = () => { ui.second.hidden = false; ui.addSecond.hidden = true; ui.second.focus(); ui.grow(); };
  ui.views.forEach((button, i) => { button.onclick = () => { s.hover = null; s.view = VIEWS[i]; if (s.pin) show(s.pin); else { s.from = s.view === "products" ? [1e9, 1e9] : [0, 0]; draw(); } needNumbers(); }; });
  ui.layer.onchange = ui.headChoice.onchange = () => open(Number(ui.layer.value), Number(ui.headChoice.value));
  ui.mass.oninput = () => { s.mass = Number(ui.mass.value); ui.massLabel.textContent = fill(scene().say.mass, { p: Math.round(100 * s.mass) }); drawSoon(); };
  ui.windowAt.oninput = () => { s.from = [Number(ui.windowAt.value), Number(ui.windowAt.value)]; drawSoon(); };
  ui.flow.onclick = () => { s.flow = scene().flow === "lying" ? "upright" : "lying"; draw(); };
  ui.span.onchange = () => { s.span = Number(ui.span.value); draw(); };
  ui.pair.onchange = () => { s.pair = ui.pair.value; draw(); };
  ui.search.oninput = () => search();
  ui.search.onkeydown = (event) => { event.stopPropagation(); if (event.key === "Enter") search(1); };
  ui.saves.forEach((button, i) => { button.onclick = () => save(["png", "svg", "html"][i]); });
  tableBehind(ui.tableButton, ui.table, draw);

  ui.picture.onpointermove = (event) => {
    if (!ready()) return;
    const hit = PICTURES[s.view].at(scene(), event.offsetX, event.offsetY);
    if (s.view === "model") { s.over = hit; s.hover = hit && { x: event.offsetX, y: event.offsetY, row: -1, column: -1 }; }
    else s.hover = hit && { ...hit, x: event.offsetX, y: event.offsetY };
    ui.picture.style.cursor = hit ? "pointer" : "default";
    drawSoon();
  };
  ui.picture.onpointerleave = () => { s.hover = s.over = null; drawSoon(); };
  ui.picture.onclick = (event) => {
    if (!ready()) return;
    const hit = PICTURES[s.view].at(scene(), event.offsetX, event.offsetY);
    if (s.view === "model") { if (hit) { s.over = s.hover = null; open(hit.layer, hit.head, "lines"); } return; }
    const again = hit && s.pin && s.pin.row === hit.row && s.pin.column === hit.column;
    s.pin = hit && !again ? { row: hit.row, column: hit.column } : null;
    draw();
  };
  ui.picture.addEventListener("wheel", (event) => {
    if (!ready() || s.view === "model") return;
    const now = scene(), hit = PICTURES[s.view].at(now, event.offsetX, event.offsetY);
    if (now.span >= now.n || !hit) return;
    event.preventDefault();
    const step = Math.sign(event.deltaY) * Math.max(1, Math.round(now.span / 12));
    const sides = s.view === "lines" ? [hit.side] : s.view === "products" ? [hit.side] : event.shiftKey ? [1] : [0];
    s.from = now.from.map((from, side) => (sides.includes(side) ? Math.max(0, Math.min(from + step, now.n - now.span)) : from));
    drawSoon();
  }, { passive: false });

  ui.picture.onkeydown = (event) => {
    const attention = ready();
    if (!attention) return;
    if (s.view === "model") { thumbnails(event, scene(), PICTURES.model, () => open(s.layer, s.head, "lines")); return; }
    const now = scene(), { n } = now, pin = s.pin || { row: -1, column: -1 };
    const move = (index, step) => (index < 0 ? (step > 0 ? 0 : n - 1) : Math.max(0, Math.min(n - 1, index + step)));
    const heads = attention.heads, at = s.layer * heads + s.head, every = attention.layers * heads;
    const jump = (to) => { if (to >= 0 && to < every) open(Math.floor(to / heads), to % heads); };
    const rows = now.flow === "lying" && s.view === "lines" ? ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"] : ["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft"];
    const acts = {
      [rows[0]]: () => show({ ...pin, row: move(pin.row, 1) }), [rows[1]]: () => show({ ...pin, row: move(pin.row, -1) }),
      [rows[2]]: () => show({ ...pin, column: move(pin.column, 1) }), [rows[3]]: () => show({ ...pin, column: move(pin.column, -1) }),
      Home: () => show({ ...pin, row: 0 }), End: () => show({ ...pin, row: n - 1 }),
      "[": () => jump(at - 1), "]": () => jump(at + 1), PageUp: () => jump(at - heads), PageDown: () => jump(at + heads),
      Escape: () => { s.pin = s.hover = null; draw(); },
    };
    act(event, acts);
  };
  ui.heads.onkeydown = (event) => thumbnails(event, besideScene(), BESIDE, () => ui.picture.focus());

  function thumbnails(event, now, view, enter) {
    const go = (dx, dy) => { const to = view.next(now, s, dx, dy); open(to.layer, to.head); };
    act(event, { ArrowLeft: () => go(-1, 0), ArrowRight: () => go(1, 0), ArrowUp: () => go(0, -1), ArrowDown: () => go(0, 1), Enter: enter });
  }
  function act(event, acts) {
    if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }
  const under = (event) => BESIDE.at(besideScene(), event.offsetX, event.offsetY);
  ui.heads.onpointermove = (event) => {
    if (!ready()) return;
    const hit = under(event), say = scene().say;
    s.over = hit;
    ui.heads.title = hit ? `${say.layer} ${hit.layer + 1} · ${say.head} ${hit.head + 1}` : "";
    ui.heads.style.cursor = hit ? "pointer" : "default";
    drawSoon();
  };
  ui.heads.onpointerleave = () => { s.over = null; drawSoon(); };
  ui.heads.onclick = (event) => { const hit = ready() && under(event); if (hit) open(hit.layer, hit.head); };
}
