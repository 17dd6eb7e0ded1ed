// Where every head looks: lines, matrix, all heads, and the products behind a score. `ask` goes to the host when the
// text, the head or the view changes; hovering stays in here. attention.py answers.
const PAUSE = 250;
const VIEWS = ["lines", "matrix", "model", "products"];
const PICTURES = { lines: linesView, matrix: matrixView, products: productsView, model: headsView(false) };
const BESIDE = headsView(true);

function render({ model, el }) {
  const id = "attention" + Math.random().toString(36).slice(2, 8);
  const live = model.get("live") !== false;
  const words = () => model.get("labels");
  const ui = attentionParts(id);
  el.append(ui.root);

  const s = { view: model.get("view") || "lines", layer: 0, head: 0, shown: [0], hover: null, pin: null, over: null, mass: 0.9, flow: "auto", from: [0, 0], span: 0, pair: "all", found: new Set() };
  let attention = null, sheet = null, stamp = null, look = null, asked = 0, timer = 0, missing = false, saving = false;
  const widths = new Map(), ruler = make("canvas").getContext("2d");

  function measure(text, size, mono) {
    look ||= lookOf(el);
    const key = `${text} ${size} ${mono}`;
    if (!widths.has(key)) {
      ruler.font = `400 ${size}px ${mono ? look.mono : look.font}`;
      widths.set(key, ruler.measureText(text).width);
    }
    return widths.get(key);
  }

  function ask(extra = {}) {
    clearTimeout(timer);
    if (!live) return;
    asked = asked ? asked + 1 : Date.now() % 1e9;
    ui.root.classList.add("waiting");
    model.set("ask", { text: ui.editor.value, second: ui.second.value, layer: s.layer, head: s.head, view: s.view, have: stamp, heads: s.shown.map((head) => [s.layer, head]), nonce: asked, ...extra });
    model.save_changes();
  }
  const askSoon = () => { clearTimeout(timer); timer = setTimeout(() => ask({ layer: attention ? s.layer : -1, head: attention ? s.head : -1 }), PAUSE); };

  async function receive() {
    const answer = model.get("answer");
    ui.root.classList.toggle("waiting", answer.nonce !== asked && asked > 0);
    ui.error.hidden = !answer.error;
    ui.error.textContent = answer.error || "";
    ui.body.hidden = ui.under.hidden = Boolean(answer.error); // the sentence stands in the view's place
    if (answer.error) { stamp = null; return; }
    if (answer.file) {
      if (saving) download(new Blob([answer.file], { type: "text/html" }), "attention.html");
      saving = false;
      return;
    }
    if (!answer.picture && answer.stamp !== stamp) { stamp = null; ask(); return; } // mounted anew: begin with the picture
    let next = attention;
    if (answer.picture) {
      next = new Attention(answer.picture, await unpack(answer.picture.shares));
    }
    await Promise.all(answer.exact.map((numbers) => next.learn(numbers)));
    if (model.get("answer") !== answer) return; // a later one came meanwhile
    if (next !== attention) {
      attention = next;
      Object.assign(s, { layer: answer.layer, head: answer.head, shown: [answer.head], hover: null, pin: null, from: [0, 0] });
      sheet = null;
      fillChoices();
      search();
    }
    stamp = answer.stamp;
    missing = false;
    draw();
  }

  // The float32 of the heads on show: here already, in the file's second part, or to be asked for.
  async function needNumbers() {
    const wanted = s.shown.filter((head) => !attention.numbers(s.layer, head));
    missing = false;
    if (!wanted.length) { if (live) ask({ heads: [] }); return; } // the host keeps layer, head and view in the address
    if (live) { ask(); return; }
    const stored = (model.get("more") || []).filter((one) => one.layer === s.layer && wanted.includes(one.head));
    await Promise.all(stored.map((one) => attention.learn(one)));
    missing = stored.length < wanted.length;
    draw();
  }

  function scene() {
    const width = Math.max(260, Math.floor(ui.stage.clientWidth)), { n } = attention;
    const active = (name) => (s.pin && s.pin[name] >= 0 ? s.pin[name] : s.hover && s.hover[name] >= 0 ? s.hover[name] : -1);
    const column = s.hover && s.hover.column >= 0 ? s.hover.column : active("column");
    const several = s.view === "lines" && s.shown.length > 1;
    const heads = [s.head, ...s.shown.filter((head) => head !== s.head)];
    const made = {
      attention, n, width, say: words(), measure, view: s.view, tokens: attention.tokens, layer: s.layer, head: s.head, over: s.over, sheet, mass: s.mass, found: s.found,
      row: active("row"), column,
      shown: (s.view === "lines" ? heads : [s.head]).map((head) => ({ layer: s.layer, head, colour: several ? look.heads[head % look.heads.length] : look.accent })),
      allowed: (i, j) => s.pair === "all" || (attention.segments[i] === Number(s.pair[0]) && attention.segments[j] === Number(s.pair[1])),
      score: ({ layer, head }, name) => attention.scores[name][layer][head],
    };
    const short = attention.tokens.every((token) => token.length < 3);
    made.flow = s.flow === "auto" ? (short && n * 15 < width ? "lying" : "upright") : s.flow;
    const fitting = s.view === "matrix" ? 128 : s.view === "lines" && made.flow === "lying" ? Math.floor((width - 16) / 14) : 26;
    made.span = Math.min(n, s.span || fitting);
    made.from = s.from.map((from) => Math.max(0, Math.min(from, n - made.span)));
    return made;
  }

  function paint(canvas, view, now) {
    const scale = Math.max(1, window.devicePixelRatio || 1), height = Math.ceil(view.height(now));
    canvas.width = now.width * scale;
    canvas.height = height * scale;
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    view.draw(canvasPen(context, look), now);
  }

  let last = null;
  function draw() {
    if (!attention || !el.isConnected) return; // some hosts attach later: only then are there colours and a width
    look ||= lookOf(el);
    sheet ||= sheetOf(attention, look);
    const say = words(), now = (last = scene()), whole = s.view === "model";
    ui.root.dataset.view = s.view;
    paint(ui.picture, PICTURES[s.view], now);
    ui.beside.hidden = whole;
    if (!whole && ui.beside.clientWidth) paint(ui.heads, BESIDE, besideScene());
    const numbers = attention.numbers(s.layer, s.head);
    ui.views.forEach((button, i) => button.setAttribute("aria-pressed", String(VIEWS[i] === s.view)));
    ui.layer.value = s.layer;
    ui.headChoice.value = s.head;
    headLine(now);
    chips(now);
    const parts = whole ? modelSentence(now) : numbers ? sentence(now, numbers) : [missing ? say.no_numbers : ""];
    ui.sentence.replaceChildren(...asNodes(parts));
    ui.massRow.hidden = s.view !== "lines";
    ui.window.hidden = whole || now.span >= now.n;
    ui.windowAt.max = now.n - now.span;
    ui.windowAt.value = now.from[0];
    ui.windowSays.textContent = fill(say.window, { from: now.from[0] + 1, to: Math.min(now.n, now.from[0] + now.span), n: now.n });
    ui.pairRow.hidden = !attention.segments;
    ui.flow.hidden = s.view !== "lines";
    ui.flow.textContent = now.flow === "lying" ? say.upright : say.lying;
    if (!ui.table.hidden) {
      const row = now.row >= 0 ? now.row : numbers ? strongest(attention, (i) => numbers.weights.subarray(i * now.n, (i + 1) * now.n)).row : -1;
      ui.table.replaceChildren(numbers && row >= 0 ? rowTable(now, numbers, row) : say.no_numbers);
    }
    tip(now, numbers);
    ui.root.dataset.drawn = `${s.view} ${s.layer} ${s.head} ${numbers ? "exact" : ""}`;
  }
  const besideScene = () => ({ ...scene(), width: Math.floor(ui.beside.clientWidth) - 16 });
  let frame = 0;
  const drawSoon = () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(draw); };

  function habit(now, layer, head) {
    const name = attention.names[layer][head];
    return name ? `${now.say[`name_${name}`]} ${attention.scores[name][layer][head].toFixed(2)}` : now.say.name_other;
  }
  function headLine(now) {
    const all = GROUPS.filter(Boolean).map((name) => `${now.say[`name_${name}`]} ${attention.scores[name][s.layer][s.head].toFixed(2)}`);
    ui.habit.textContent = habit(now, s.layer, s.head);
    ui.habit.title = `${all.join("\n")}\n${now.say.habit_help}`;
  }
  function modelSentence(now) {
    const one = s.over || { layer: s.layer, head: s.head };
    return [fill(now.say.model_sentence, { layer: one.layer + 1, head: one.head + 1, habit: habit(now, one.layer, one.head) })];
  }

  function chips(now) {
    const wanted = s.view === "lines" && attention.heads > 1;
    ui.chips.hidden = !wanted;
    if (!wanted) return;
    if (ui.chips.childElementCount !== attention.heads + 1) {
      ui.chips.replaceChildren(make("span", { className: "note" }), ...range(0, attention.heads, attention.heads).map((head) => {
        const chip = make("button", { type: "button", className: "chip", text: String(head + 1) });
        chip.onclick = () => {
          if (!s.shown.includes(head)) s.shown = [...s.shown, head];
          else if (s.shown.length > 1) s.shown = s.shown.filter((other) => other !== head);
          if (!s.shown.includes(s.head)) s.head = s.shown[0];
          draw();
          needNumbers();
        };
        chip.ondblclick = () => open(s.layer, head);
        return chip;
      }));
    }
    ui.chips.firstChild.textContent = now.say.chips;
    [...ui.chips.querySelectorAll(".chip")].forEach((chip, head) => {
      const on = s.shown.includes(head);
      chip.title = now.say.chip_help;
      chip.setAttribute("aria-pressed", String(on));
      chip.style.borderColor = on ? (s.shown.length > 1 ? look.heads[head % look.heads.length] : look.accent) : "";
    });
  }

  // Open one head: from a thumbnail, the lists, the keyboard.
  function open(layer, head, view = s.view) {
    Object.assign(s, { layer, head, shown: [head], view });
    draw();
    needNumbers();
  }

  function tip(now, numbers) {
    const hit = s.hover && s.hover.x !== undefined ? { ...s.hover, row: now.row, column: now.column } : null;
    let lines = [];
    if (hit && s.view === "model" && s.over) lines = modelSentence(now);
    else if (hit && hit.row >= 0 && hit.column >= 0) lines = numbers ? pairLines(now, numbers, hit) : [missing ? now.say.no_numbers : "…"];
    ui.tip.hidden = !lines.length;
    ui.tip.replaceChildren(...lines.map((text, i) => make("div", { text, dir: i ? "ltr" : "auto" })));
    if (!lines.length) return;
    ui.tip.style.left = `${Math.max(0, Math.min(hit.x + 14, now.width - ui.tip.offsetWidth - 4))}px`;
    ui.tip.style.top = `${hit.y + 18}px`;
  }

  function fillChoices() {
    const options = (count) => range(0, count, count).map((i) => make("option", { value: i, text: String(i + 1) }));
    ui.layer.replaceChildren(...options(attention.layers));
    ui.headChoice.replaceChildren(...options(attention.heads));
    ui.chips.replaceChildren();
  }

  function search(step = 0) {
    const wanted = ui.search.value.trim().toLowerCase();
    const plain = (token) => token.replaceAll("·", " ").toLowerCase();
    s.found = new Set(wanted ? [...attention.tokens.keys()].filter((i) => plain(attention.tokens[i]).includes(wanted) || attention.tokens[i].toLowerCase() === wanted) : []);
    const places = [...s.found].sort((a, b) => a - b);
    ui.hits.textContent = wanted ? fill(words().hits, { n: places.length }) : "";
    if (step && places.length) {
      const here = s.pin ? s.pin.row : -1;
      show({ row: places.find((i) => i > here) ?? places[0], column: -1 });
    } else drawSoon();
  }

  // Pin a token or a pair, and bring it into the window.
  function show(pin) {
    const now = scene();
    s.pin = pin;
    s.hover = null;
    for (const [side, index] of [[0, pin.row], [1, pin.column]]) {
      if (index < 0) continue;
      if (index < now.from[side] || index >= now.from[side] + now.span) {
        const from = Math.max(0, Math.min(index - Math.floor(now.span / 2), now.n - now.span));
        s.from = side === 0 && pin.column < 0 ? [from, from] : s.from.map((old, k) => (k === side ? from : old));
      }
    }
    draw();
  }

  function relabel() {
    attentionWords(ui, words());
    if (attention) draw();
  }

  attentionEvents({ ui, s, el, live, ask, askSoon, open, show, search, draw, drawSoon, needNumbers, scene, besideScene,
    ready: () => attention, spot: () => last,
    save(kind) {
      if (kind === "html") { saving = true; ask({ save: "html", have: stamp, heads: [] }); return; }
      const now = scene(), numbers = attention.numbers(s.layer, s.head), view = PICTURES[s.view];
      const title = [model.get("title"), s.view === "model" ? "" : `${now.say.layer} ${s.layer + 1} · ${now.say.head} ${s.head + 1} · ${habit(now, s.layer, s.head)}`].filter(Boolean).join(" · ");
      const reading = s.view === "model" ? "" : numbers ? asText(sentence(now, numbers)) : "";
      (kind === "svg" ? saveSvg : savePng)(view, now, look, title, reading, `attention-${s.layer + 1}-${s.head + 1}`);
    } });

  const restyle = () => { look = sheet = null; widths.clear(); draw(); };
  const forgetTheme = onTheme(model, restyle);
  const watcher = new ResizeObserver(drawSoon);
  watcher.observe(ui.stage);
  model.on("change:answer", receive);
  model.on("change:labels", relabel);
  ui.editor.value = model.get("text") || "";
  ui.second.value = model.get("second") || "";
  ui.second.hidden = !ui.second.value;
  ui.editor.readOnly = ui.second.readOnly = !live;
  ui.saves[2].hidden = !live;
  ui.addSecond.hidden = !live || !ui.second.hidden;
  relabel();
  receive();
  requestAnimationFrame(() => ui.grow());
  return () => { clearTimeout(timer); watcher.disconnect(); forgetTheme(); };
}
export default { render };
