// Searching points by name: what is equal comes first, then what begins with the words, then what holds them.

const HITS = 8;

function finder(search, hits, { names, order, say, choose }) {
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
  const close = () => { hits.hidden = true; search.value = ""; };
  const take = (i) => { close(); choose(i); };
  function list() {
    const found = find();
    hits.hidden = !search.value.trim();
    hits.replaceChildren(...(found.length
      ? found.map((i, k) => make("button", { type: "button", role: "option", className: k ? "" : "first", text: names()[i], onclick: () => take(i) }))
      : [make("p", { className: "note", text: fill(say().not_found, { word: search.value.trim() }) })]));
  }
  search.addEventListener("input", list);
  search.addEventListener("focus", list);
  search.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && !event.isComposing && find().length) take(find()[0]);
    if (event.key === "Escape") close();
    if (event.key === "ArrowDown") hits.querySelector("button")?.focus();
  });
  hits.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); search.focus(); }
    const next = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (next) { event.preventDefault(); (event.target[next] ?? search).focus(); }
  });
}
