// One text cut by several tokenizers, and byte pairs joined merge by merge. Asks `ask` 150 ms after the last key;
// stepping through the merges stays in here.
const PAUSE = 150;

// Neighbouring tokens get different tints, so that every cut can be seen.
function pieces(tokens, marked = null) {
  return tokens.flatMap((token, i) => {
    const node = make("span", { className: `token tint${i % 4}`, text: token, title: String(i + 1) });
    node.classList.toggle("made", token === marked);
    return token.endsWith("⏎") ? [node, make("br")] : [node];
  });
}

function render({ model, el }) {
  const id = "strip" + Math.random().toString(36).slice(2, 8);
  const editor = make("textarea", { className: "editor", rows: 1, id, spellcheck: false });
  const label = make("label", { className: "note", htmlFor: id });
  const rows = make("div", { className: "rows" });
  const title = make("h4");
  const lead = make("p", { className: "note" });
  const back = make("button", { type: "button" });
  const next = make("button", { type: "button", className: "primary" });
  const slider = make("input", { type: "range", min: 0, step: 1, value: 0 });
  const told = make("p", { className: "told", role: "status" });
  const merged = make("div", { className: "strip" });
  el.append(make("div", { className: "cuts" }, label, editor, rows,
    make("section", { className: "merges" }, title, lead, make("div", { className: "controls" }, back, slider, next), told, merged)));

  let timer = 0, asked = 0, composing = false, step = 0;
  const words = () => model.get("labels");
  function ask() {
    clearTimeout(timer);
    asked = asked ? asked + 1 : Date.now() % 1e9;
    model.set("ask", { text: editor.value, nonce: asked });
    model.save_changes();
  }
  const askSoon = () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); };
  const grow = () => { editor.style.height = "auto"; editor.style.height = Math.min(editor.scrollHeight + 2, 150) + "px"; };

  function draw() {
    const answer = model.get("answer"), say = words();
    const most = Math.max(1, ...answer.rows.map((row) => row.tokens.length));
    rows.replaceChildren(...answer.rows.map((row) => {
      const cost = row.tokens.length / Math.max(1, answer.characters);
      const bar = make("span", { className: "fill" });
      bar.style.width = `${(100 * row.tokens.length) / most}%`;
      const body = row.error ? make("p", { className: "error", text: row.error }) : make("div", { className: "strip" }, ...pieces(row.tokens));
      return make("section", { className: "row" },
        make("div", { className: "head" }, make("h4", {}, say[`${row.kind}_help`] ? make("span", { text: row.name, title: say[`${row.kind}_help`], "data-help": "" }) : row.name),
          make("span", { className: "track" }, bar),
          make("span", { className: "count", text: row.error ? "–" : fill(say.count, { n: row.tokens.length }) }),
          make("span", { className: "note", text: row.error ? "" : fill(say.cost, { x: cost.toFixed(2) }) }),
          make("span", { className: "note", text: fill(say.vocabulary, { n: row.vocabulary.toLocaleString() }) })), body);
    }));
    const last = answer.steps.length - 1;
    slider.max = String(Math.max(0, last));
    step = Math.min(step, Math.max(0, last));
    stepTo(step);
  }

  function stepTo(wanted) {
    const answer = model.get("answer"), say = words(), last = answer.steps.length - 1;
    step = Math.max(0, Math.min(wanted, last));
    slider.value = String(step);
    const tokens = (answer.steps[step] || []).map((i) => answer.pieces[i]);
    merged.replaceChildren(...pieces(tokens, answer.made[step]));
    const start = (answer.steps[0] || []).length;
    told.textContent = step === 0
      ? fill(say.bytes, { n: start })
      : fill(say.merge, { step, last, token: answer.made[step] || "", n: tokens.length, start });
    back.disabled = step <= 0;
    next.disabled = step >= last;
  }

  function relabel() {
    const say = words();
    label.textContent = say.text;
    title.textContent = say.merges;
    lead.textContent = say.merges_lead;
    back.textContent = "‹ " + say.back;
    next.textContent = say.next + " ›";
    slider.setAttribute("aria-label", say.slider);
    draw();
  }
  editor.value = model.get("text");
  editor.addEventListener("compositionstart", () => { composing = true; });
  editor.addEventListener("compositionend", () => { composing = false; grow(); askSoon(); });
  editor.addEventListener("input", () => { grow(); if (!composing) askSoon(); });
  editor.addEventListener("keydown", (event) => event.stopPropagation());
  slider.addEventListener("input", () => stepTo(Number(slider.value)));
  back.onclick = () => stepTo(step - 1);
  next.onclick = () => stepTo(step + 1);
  model.on("change:answer", draw);
  model.on("change:labels", relabel);
  relabel();
  requestAnimationFrame(grow);
  return () => clearTimeout(timer);
}
export default { render };
