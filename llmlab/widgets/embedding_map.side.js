// The words beside the map: the chosen point, its true neighbours, those that the picture shows, and the table of points.

function sideParts({ say, cloud, attributes, selected, truth, close, cosineOf, row }) {
  const facts = attributes.filter((a) => a.name !== "sentence").slice(0, 4).map((a) => factOf(say, a, selected));
  const parts = [make("h3", { text: cloud.names[selected], title: cloud.names[selected] })];
  if (cloud.sentences.length && cloud.spans.length) {
    const text = cloud.sentences[cloud.sentence_of[selected]], [a, b] = cloud.spans[selected];
    const from = Math.max(0, a - 60);
    if (b - a < text.length) parts.push(make("p", { className: "stands" }, (from ? "…" : "") + text.slice(from, a), make("mark", { text: text.slice(a, b) }), text.slice(b, b + 60) + (b + 60 < text.length ? "…" : "")));
  }
  parts.push(make("p", { className: "note", text: facts.join(" · ") }));
  if (!truth) return parts;
  const kept = truth.ids.filter((i) => close.includes(i)).length;
  return [...parts,
    make("h4", { text: say.truly, title: say.truly_help, "data-help": "" }),
    make("ol", { className: "truly" }, ...truth.ids.map((i, k) => row(i, truth.cosines[k], close.includes(i), close.includes(i) ? say.kept_one : say.lost_one))),
    make("p", { className: "kept-note" }, make("span", { className: "good", text: "● ― " }), say.kept_key, make("br"), make("span", { className: "bad", text: "○ ┄ " }), fill(say.kept_count, { kept, all: truth.ids.length })),
    make("h4", { text: say.drawn, title: say.drawn_help, "data-help": "" }),
    make("ol", { className: "drawn" }, ...close.map((i) => row(i, cosineOf(i), truth.ids.includes(i), truth.ids.includes(i) ? say.true_one : say.false_one)))];
}

function neighbourRow(name, cosine, good, title, events) {
  const bar = make("span", { className: "fill" });
  bar.style.width = `${Math.round(100 * Math.max(0, cosine ?? 0))}%`;
  return make("li", {}, make("button", { type: "button", className: good ? "kept" : "lost", title, ...events },
    make("span", { className: "sign", "aria-hidden": "true", text: good ? "●" : "○" }), make("span", { className: "name", text: name }),
    make("span", { className: "track" }, bar), make("span", { className: "cosine", text: cosine === undefined ? "–" : cosine.toFixed(3) })));
}

function pointsTable({ say, cloud, attributes, rows, dims, places }) {
  const line = (cells, tag) => make("tr", {}, ...cells.map((text, i) => make(tag, { text, className: i ? "number" : "" })));
  return [make("p", { className: "note", text: fill(say.table_note, { n: rows.length, all: cloud.n.toLocaleString() }) }),
    make("table", {}, make("thead", {}, line([say.point, ..."xyz".slice(0, dims), ...attributes.map((a) => say["by_" + a.name])], "th")),
      make("tbody", {}, ...rows.map((i) => line([cloud.names[i], ...[0, 1, 2].slice(0, dims).map((d) => places[3 * i + d].toFixed(3)), ...attributes.map((a) => valueOf(say, a, i))], "td"))))];
}

// A slice of the similarities of all points, (frame, point, point), as rows.
const rowsOf = (similarities, frame, n) => Array.from({ length: n }, (_, i) => [...similarities.slice((frame * n + i) * n, (frame * n + i + 1) * n)]);
function meanOf(rows) {
  let sum = 0;
  rows.forEach((row, i) => row.forEach((v, j) => { if (i !== j) sum += v; }));
  return sum / (rows.length * (rows.length - 1));
}
