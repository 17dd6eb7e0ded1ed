// A similarity matrix as a table of coloured cells, so that every number can be read and reached by the keyboard.

function matrixTable(names, values, { say, chosen, choose }) {
  const n = names.length, short = (text) => (text.length > 16 ? text.slice(0, 15) + "…" : text);
  const body = make("tbody");
  const off = values.flatMap((row, i) => row.filter((_, j) => i !== j));
  const low = Math.min(0, ...off), high = Math.max(0.001, ...off);
  const cellOf = (value) => {
    // From the paper to the accent, where no similarity is negative; below zero towards vermilion.
    const share = value >= 0 ? Math.min(1, value / high) : Math.min(1, value / low);
    const hue = value >= 0 ? "var(--llm-query)" : "var(--llm-key)";
    return `color-mix(in srgb, ${hue} ${Math.round(share * 82)}%, var(--paper))`;
  };
  values.forEach((row, i) => {
    const line = make("tr", {}, make("th", { scope: "row", title: names[i] }, make("button", { type: "button", className: "quiet", text: short(names[i]), onclick: () => choose(i) })));
    row.forEach((value, j) => {
      const cell = make("td", { className: "cell", title: `${names[i]} · ${names[j]}: ${value.toFixed(4)}`, text: n <= 20 ? value.toFixed(2) : "" });
      cell.style.background = i === j ? "var(--panel)" : cellOf(value);
      const share = value >= 0 ? value / high : value / low;
      if (i !== j && share > 0.62) cell.classList.add("strong");
      line.appendChild(cell);
    });
    line.classList.toggle("chosen", i === chosen);
    body.appendChild(line);
  });
  const head = make("thead", {}, make("tr", {}, make("th", { text: "" }),
    ...names.map((name) => make("th", { scope: "col", className: "turned", title: name }, make("span", { text: short(name) })))));
  return make("div", { className: "matrix", tabIndex: 0, role: "region", "aria-label": say.matrix_reading },
    make("p", { className: "note", text: say.matrix_reading }), make("table", {}, head, body));
}
