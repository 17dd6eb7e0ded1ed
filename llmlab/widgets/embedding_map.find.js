// Searching points by name: what is equal comes first, then what begins with the words, then what holds them. Below them
// what the whole vocabulary has, which `look` asks for and `arrived` brings: tokens to be added, or the pieces of a word.

const HITS = 8, PAUSE = 250;

function finder(search, hits, { names, order, say, choose, look, add }) {
  let asking = 0, elsewhere = null;
  const bare = (name) => name.replace(/^·|^##/, "");
  function find() {
    const asked = search.value.trim(), text = asked.toLowerCase(), found = [];
    if (!text) return found;
    for (const test of [(n) => n === asked, (n) => n.toLowerCase() === text, (n) => n.toLowerCase().startsWith(text), (n) => n.toLowerCase().includes(text)]) {
      for (const i of order()) {
        if (found.length >= HITS) return found;
        if (!found.includes(i) && test(bare(names()[i]))) found.push(i);
      }
    }
    return found;
  }
  const close = () => { hits.hidden = true; search.value = ""; clearTimeout(asking); };
  const take = (i) => { close(); choose(i); };
  const hit = (text, action, className = "") => make("button", { type: "button", role: "option", className, text, onclick: action });
  const section = (words, tokens) => (tokens.length ? [make("p", { className: "note", text: words }),
    ...tokens.map(({ token, name, at }) => (at >= 0 ? hit(name, () => take(at)) : hit("+ " + name, () => { close(); add(token, name); }, "add")))] : []);
  function list() {
    const asked = search.value.trim(), found = find();
    const beyond = elsewhere?.text === asked ? elsewhere : null;
    hits.hidden = !asked;
    const parts = found.map((i, k) => hit(names()[i], () => take(i), k ? "" : "first"));
    if (beyond) parts.push(...section(fill(say().in_pieces, { word: asked, n: beyond.pieces.length }), beyond.pieces), ...section(say().not_on_map, beyond.more));
    hits.replaceChildren(...(parts.length ? parts : [make("p", { className: "note", text: beyond || !look(asked) ? fill(say().not_found, { word: asked }) : say().searching })]));
  }
  function typed() {
    clearTimeout(asking);
    const asked = search.value.trim();
    if (asked && elsewhere?.text !== asked) asking = setTimeout(() => look(asked, true), PAUSE);
    list();
  }
  search.addEventListener("input", typed);
  search.addEventListener("focus", list);
  search.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && !event.isComposing) (find().length ? hits.querySelector("button") : hits.querySelector("button.add") ?? hits.querySelector("button"))?.click();
    if (event.key === "Escape") close();
    if (event.key === "ArrowDown") hits.querySelector("button")?.focus();
  });
  hits.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); search.focus(); }
    const next = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (next) {
      event.preventDefault();
      let to = event.target[next];
      while (to && to.tagName !== "BUTTON") to = to[next];
      (to ?? search).focus();
    }
  });
  return { arrived: (found) => { elsewhere = found; if (!hits.hidden) list(); } };
}
