// How long each way of computing one product took: bars on a logarithmic scale, beside the numbers.
function render({ model, el }) {
  const table = make("table", { className: "times" });
  const note = make("p", { className: "note" });
  el.append(make("div", { className: "product-times" }, table, note));

  const time = (s) => (s >= 1 ? `${s.toFixed(2)} s` : s >= 1e-3 ? `${(s * 1e3).toPrecision(3)} ms` : `${(s * 1e6).toPrecision(3)} µs`);
  const times = (ratio) => `${ratio >= 100 ? Math.round(ratio).toLocaleString("en") : ratio.toPrecision(2)} ×`;

  function draw() {
    const say = model.get("labels"), found = Object.entries(model.get("seconds")), size = model.get("size");
    const slowest = Math.max(...found.map(([, s]) => s)), fastest = Math.min(...found.map(([, s]) => s));
    const span = Math.log10(slowest / fastest) + 1;  // the fastest gets a bar of one tenfold
    table.replaceChildren(
      make("tr", {}, ...[["way", ""], ["bar", "wide"], ["time", "number"], ["faster", "number"], ["rate", "number"]].map(([word, className]) => make("th", { text: say[word], className }))),
      ...found.map(([name, s]) => {
        const bar = make("span", { className: s === fastest ? "fill best" : "fill" });
        bar.style.width = `${(100 * (Math.log10(s / fastest) + 1)) / span}%`;
        return make("tr", {}, make("td", { className: "way", text: say[name] }), make("td", { className: "wide" }, bar), make("td", { className: "number", text: time(s) }),
          make("td", { className: "number", text: times(found[0][1] / s) }), make("td", { className: "number", text: `${((2 * size ** 3) / s / 1e9).toPrecision(2)}` }));
      }));
    note.textContent = fill(say.note, { n: size, products: (size ** 3).toLocaleString("en"), rows: model.get("rows") });
  }
  model.on("change:seconds", draw);
  model.on("change:size", draw);
  model.on("change:labels", draw);
  draw();
}
export default { render };
