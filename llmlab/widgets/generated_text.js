// A text written token by token. Each token carries the distribution it was drawn from: hover or move to see it,
// click one and choose another candidate to branch there. Hovering stays in here; `ask` goes out on a click.
const PAUSE = 150;

const tint = (p) => (p === null ? "" : `color-mix(in srgb, var(--llm-prediction) ${(p * 50).toFixed(1)}%, transparent)`);

function render({ model, el }) {
  const id = "writer" + Math.random().toString(36).slice(2, 8);
  const prompt = make("textarea", { className: "prompt", rows: 1, id, spellcheck: false });
  const promptLabel = make("label", { className: "note", htmlFor: id });
  const write = make("button", { className: "primary", type: "button" });
  const compare = make("button", { type: "button" });
  const more = make("details", { className: "more" });
  const summary = make("summary");
  const rows = make("div", { className: "settings" });
  const error = make("div", { className: "error", role: "status", hidden: true });
  const text = make("div", { className: "text", tabIndex: 0, role: "listbox" });
  const legend = make("p", { className: "note" });
  const rounded = make("p", { className: "note", role: "status", hidden: true });
  const tree = make("div", { className: "tree" });
  const title = make("h4");
  const about = make("p", { className: "note about" });
  const bars = make("div", { className: "bars" });
  const reading = make("p", { className: "note" });
  const columns = make("div", { className: "compared", hidden: true });
  const tableButton = make("button", { className: "quiet", type: "button", "aria-expanded": "false" });
  const table = make("div", { className: "tables", hidden: true });
  const seed = make("span", { className: "note seed" });

  more.append(summary, rows);
  el.append(make("div", { className: "writer" },
    promptLabel, make("div", { className: "first" }, prompt, write),
    error,
    make("div", { className: "columns" },
      make("section", {}, make("div", { className: "line" }, legend, seed), text, rounded, tree, more, compare),
      make("section", {}, title, about, bars, reading, tableButton, table)),
    columns));

  let nodes = [], version = null, path = [], current = -1, pinned = false, asked = 0, timer = 0;
  let live = null, stopping = false, follow = true, composing = false;
  const settings = { ...model.get("settings") };
  const words = () => model.get("labels");
  const percent = (p) =>
    fill(words().percent, { n: p >= 0.0995 ? (100 * p).toFixed(0) : p >= 0.001 ? (100 * p).toFixed(1) : "<0.1" });

  function ask(action, extra = {}) {
    asked = asked ? asked + 1 : Date.now() % 1e9;
    settings.prompt = prompt.value;
    model.set("ask", { action, settings: { ...settings }, have: nodes.length, version, nonce: asked, ...extra });
    model.save_changes();
  }

  function controls() {
    const say = words();
    rows.replaceChildren(...model.get("controls").map((control) => {
      const name = id + control.name;
      const input = make("input", { type: control.type, min: control.min, max: control.max, step: control.step, id: name, title: control.help });
      const output = make("output", { className: "note" });
      const label = make("label", { htmlFor: name, text: control.label, title: control.help });
      settings[control.name] ??= control.value;
      const tick = control.type === "checkbox";
      if (tick) input.checked = Boolean(settings[control.name]);
      else input.value = settings[control.name];
      const tell = () => { output.textContent = tick ? "" : Number(input.value) === control.off ? say.off : control.type === "range" ? input.value : ""; };
      tell();
      input.addEventListener("input", () => {
        settings[control.name] = Number(tick ? input.checked : input.value);
        tell();
        summarise();
        clearTimeout(timer);
        timer = setTimeout(() => ask("settings", { node: current }), PAUSE);
      });
      input.addEventListener("keydown", (event) => event.stopPropagation());
      return make("div", { className: "setting" }, label, input, output, make("span", { className: "note help", text: control.help }));
    }));
    summarise();
  }
  function summarise() {
    const say = words();
    const on = model.get("controls").filter((c) => settings[c.name] !== c.off && c.name !== "seed" && c.name !== "tokens");
    summary.textContent = say.more + " · " + on.map((c) => c.type === "checkbox" ? c.label : `${c.label} ${settings[c.name]}`).join(" · ");
    seed.textContent = fill(say.seed, { n: settings.seed });
  }

  // Whether the token on show is one that nobody has chosen yet: the one after the beginning.
  const toCome = () => Boolean(model.get("answer").expected) && current === path.at(-1);

  function lookAt(index, force = false) {
    if (!path.length || (!force && index === current)) return;
    current = index;
    for (const node of text.querySelectorAll("[data-node]")) {
      const me = Number(node.dataset.node) === index && !toCome();
      node.classList.toggle("chosen", me);
      node.setAttribute("aria-selected", String(me));
      if (me) text.setAttribute("aria-activedescendant", node.id);
    }
    distribution();
  }

  function distribution() {
    const say = words(), node = nodes[current];
    const next = toCome();
    bars.replaceChildren();
    about.textContent = reading.textContent = "";
    title.textContent = next ? say.expected : say.distribution;
    const now = next ? model.get("answer").expected : live && live.node === current ? live.distribution : node?.distribution;
    tableButton.hidden = !now;
    table.hidden ||= !now;
    if (!now) { about.textContent = node ? say.prompt_token : ""; return; }
    about.textContent = next ? say.expected_about
      : fill(say.instead, { token: node.shown }) + (live && live.node === current ? " " + say.live : "");
    const largest = Math.max(...now.probabilities, 1e-9);
    const boundary = now.cut_by.findIndex((by) => by !== null);
    now.ids.forEach((token, i) => {
      if (i === boundary) bars.append(cut(now, say));
      const part = make("span", { className: "fill" });
      part.style.width = `${(100 * now.probabilities[i]) / largest}%`;
      const bar = make("button", { className: "bar", type: "button" }, make("span", { className: "token", text: now.texts[i] }),
        make("span", { className: "track" }, part), make("span", { className: "share", text: percent(now.probabilities[i]) }));
      bar.classList.toggle("out", now.cut_by[i] !== null);
      const taken = !next && token === node.token_id, here = current;
      bar.classList.toggle("taken", taken);
      bar.title = taken ? say.taken : fill(next ? say.begin : say.branch, { token: now.texts[i] });
      bar.disabled = taken;
      bar.onclick = () => {
        pinned = stopping = false;
        follow = true;
        ask(next ? "begin" : "branch", { node: here, token_id: token });
      };
      bars.append(bar);
    });
    reading.textContent = boundary < 0
      ? (now.tail_mass > 0 ? fill(say.cut_below, { n: now.kept_count, p: percent(now.tail_mass) }) : say.no_cut)
      : "";
    if (now.unlisted_mass > 0.0005) reading.textContent += " " + fill(say.unlisted, { p: percent(now.unlisted_mass) });
    if (!table.hidden) tabulate(now);
  }

  function cut(now, say) {
    const names = Object.entries(now.cut_mass).filter(([, mass]) => mass > 0).map(([name]) => say[name] || name);
    const note = fill(say.cut, { filter: names.join(" + "), n: now.kept_count, p: percent(now.tail_mass) });
    return make("div", { className: "cut", role: "separator" }, make("span", { text: note }));
  }

  function tabulate(now) {
    const say = words();
    table.replaceChildren(make("table", {}, make("thead", {}, make("tr", {},
      make("th", { text: say.token, scope: "col" }), make("th", { text: say.probability, scope: "col", className: "number" }),
      make("th", { text: say.fate, scope: "col" }))),
      make("tbody", {}, ...now.ids.map((_, i) => make("tr", {}, make("td", { text: now.texts[i] }),
        make("td", { text: now.probabilities[i].toFixed(4), className: "number" }),
        make("td", { text: now.cut_by[i] ? say[now.cut_by[i]] || now.cut_by[i] : say.kept }))))));
  }

  function span(node, index) {
    const made = make("span", { role: "option", id: `${id}-${index}` });
    made.dataset.node = index;
    made.classList.toggle("given", node.probability === null);
    const breaks = node.text.includes("\n");
    made.textContent = breaks ? node.text.replaceAll("\n", "⏎\n") : node.text;
    made.style.backgroundColor = tint(node.probability);
    if (node.probability !== null) made.title = `${node.shown} ${percent(node.probability)}`;
    return made;
  }

  function draw() {
    const answer = model.get("answer"), say = words();
    error.hidden = !answer.error;
    error.textContent = answer.error || "";
    if (answer.version !== version) { version = answer.version; nodes = []; text.replaceChildren(); path = []; live = null; }
    if (answer.from > nodes.length) { ask("show", { branch: answer.current }); return; }
    if (answer.nodes.length && answer.from <= nodes.length) nodes = nodes.slice(0, answer.from).concat(answer.nodes);
    if (answer.live !== undefined) live = answer.live;
    const shared = path.findIndex((node, i) => node !== answer.path[i]);
    const keep = shared < 0 ? Math.min(path.length, answer.path.length) : shared;
    while (text.children.length > keep) text.lastChild.remove();
    text.classList.toggle("waiting", Boolean(answer.expected));
    text.append(...answer.path.slice(keep).map((index) => span(nodes[index], index)));
    path = answer.path;
    if (follow && answer.writing) text.scrollTop = text.scrollHeight;
    forest(answer);
    rounded.hidden = !answer.rounded;
    if (answer.rounded) {
      const { tokens, before, after } = answer.rounded;
      rounded.textContent = fill(say.rounded, { n: tokens, before: before.toFixed(4), after: after.toFixed(4) });
    }
    const busy = answer.writing && !stopping;
    write.textContent = busy ? say.stop : say.write;
    text.setAttribute("aria-busy", String(busy));
    if (!pinned || !path.includes(current)) lookAt(path.length ? path[path.length - 1] : -1, true);
    else lookAt(current, true);
    if (answer.compared) side(answer.compared);
    if (busy) ask("more");
  }

  function forest(answer) {
    const say = words();
    tree.hidden = answer.branches.length < 2;
    if (tree.hidden) return;
    tree.replaceChildren(make("h4", { text: say.branches }), ...answer.branches.map((branch, i) => {
      const button = make("button", { className: "branch", type: "button", "aria-pressed": String(i === answer.current) });
      button.style.marginLeft = `${branch.depth * 1.2}rem`;
      button.style.maxWidth = `calc(100% - ${branch.depth * 1.2}rem)`;
      button.append(make("span", { className: "note", text: (branch.depth ? "└ " : "") + fill(say.at, { n: branch.at + 1 }) + " " }),
        make("span", { text: branch.preview.replaceAll("\n", " ⏎ ") + "…" }));
      button.onclick = () => { pinned = false; ask("show", { branch: i }); };
      return button;
    }));
  }

  function side(compared) {
    const say = words();
    columns.hidden = false;
    columns.replaceChildren(...compared.map((column) => make("section", {},
      make("h4", { text: fill(say.at_temperature, { t: column.temperature }) }),
      make("div", { className: "text still" }, ...column.tokens.map((token) => {
        const made = make("span", { text: token.text, title: percent(token.probability) });
        made.style.backgroundColor = tint(token.probability);
        return made;
      })))));
  }

  function relabel() {
    const say = words();
    promptLabel.textContent = say.prompt;
    compare.textContent = say.compare;
    compare.title = say.compare_help;
    legend.textContent = say.legend;
    tableButton.textContent = say.table;
    text.setAttribute("aria-label", say.text);
    text.dataset.hint = say.grows;
    controls();
    draw();
    if (!path.length) distribution();
  }

  const grow = () => { prompt.style.height = "auto"; prompt.style.height = Math.min(prompt.scrollHeight + 2, 160) + "px"; };
  const at = (event) => { const n = event.target.closest("[data-node]"); return n ? Number(n.dataset.node) : -1; };
  prompt.value = settings.prompt || "";
  prompt.addEventListener("input", () => {
    grow();
    if (composing || (path.length && !model.get("answer").expected)) return; // a text that is written stays until it is written anew
    clearTimeout(timer);
    timer = setTimeout(() => ask("open"), PAUSE);
  });
  prompt.addEventListener("compositionstart", () => { composing = true; });
  prompt.addEventListener("compositionend", () => { composing = false; prompt.dispatchEvent(new Event("input")); });
  prompt.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) write.click();
  });
  write.onclick = () => {
    const busy = model.get("answer").writing && !stopping;
    stopping = busy;
    pinned = false;
    follow = true;
    ask(busy ? "stop" : "write");
  };
  compare.onclick = () => ask("compare");
  text.onmouseover = (event) => { const i = at(event); if (i >= 0 && !pinned) lookAt(i); };
  text.onmouseleave = () => { if (!pinned && model.get("answer").expected) lookAt(path.at(-1)); };
  text.onclick = (event) => {
    const i = at(event);
    if (i < 0) return;
    pinned = !(pinned && i === current);
    lookAt(i, true);
  };
  text.onwheel = () => { follow = false; };
  text.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    pinned = true;
    lookAt(path[Math.max(0, Math.min(path.length - 1, path.indexOf(current) + step))]);
    text.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
  };
  tableBehind(tableButton, table, distribution);
  model.on("change:answer", draw);
  model.on("change:labels", relabel);
  relabel();
  requestAnimationFrame(grow);
  return () => { clearTimeout(timer); stopping = true; };
}
export default { render };
