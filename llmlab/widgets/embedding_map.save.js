// The picture as a file: SVG with every mark a shape, or the canvas as PNG.

function svgOf({ width, height, paper, marks, lines, labels, font, caption }) {
  const ns = "http://www.w3.org/2000/svg", round = (v) => Math.round(v * 10) / 10;
  const root = document.createElementNS(ns, "svg");
  const put = (tag, attributes, text) => {
    const node = document.createElementNS(ns, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    root.appendChild(node);
  };
  root.setAttribute("xmlns", ns); root.setAttribute("viewBox", `0 0 ${width} ${height}`);
  root.setAttribute("width", width); root.setAttribute("height", height); root.setAttribute("font-family", font);
  put("rect", { width, height, fill: paper });
  const shapes = {
    circle: (x, y, r) => ["circle", { cx: x, cy: y, r: r * 0.92 }], ring: (x, y, r) => ["circle", { cx: x, cy: y, r: r * 0.8, "stroke-width": r * 0.35, hollow: 1 }],
    square: (x, y, r) => ["rect", { x: x - 0.78 * r, y: y - 0.78 * r, width: 1.56 * r, height: 1.56 * r }],
    triangle: (x, y, r) => ["path", { d: `M${x} ${y - 0.9 * r}L${x + 0.9 * r} ${y + 0.7 * r}H${x - 0.9 * r}Z` }],
    diamond: (x, y, r) => ["path", { d: `M${x} ${y - r}L${x + r} ${y}L${x} ${y + r}L${x - r} ${y}Z` }],
    cross: (x, y, r) => ["path", { d: `M${x - r * 0.8} ${y - r * 0.8}L${x + r * 0.8} ${y + r * 0.8}M${x + r * 0.8} ${y - r * 0.8}L${x - r * 0.8} ${y + r * 0.8}`, "stroke-width": r * 0.5, hollow: 1 }],
    plus: (x, y, r) => ["path", { d: `M${x - r} ${y}H${x + r}M${x} ${y - r}V${y + r}`, "stroke-width": r * 0.55, hollow: 1 }],
  };
  for (const { shape, x, y, r, colour, opacity } of marks) {
    const [tag, attributes] = shapes[shape](round(x), round(y), r);
    const hollow = attributes.hollow; delete attributes.hollow;
    put(tag, { ...attributes, ...(hollow ? { fill: "none", stroke: colour, "stroke-opacity": opacity } : { fill: colour, "fill-opacity": opacity }) });
  }
  for (const l of lines) put("path", { d: l.points.map(([x, y], i) => `${i ? "L" : "M"}${round(x)} ${round(y)}`).join(""), fill: "none", stroke: l.colour, "stroke-width": l.width, "stroke-dasharray": l.dash || "none", "stroke-opacity": l.opacity });
  for (const l of labels) put("text", { x: round(l.x), y: round(l.y), "dominant-baseline": "middle", "font-size": l.size, "font-weight": l.forced ? 600 : 400, fill: l.colour, stroke: paper, "stroke-width": 3, "paint-order": "stroke", "stroke-linejoin": "round" }, l.text);
  put("text", { x: 8, y: height - 8, "font-size": 11, fill: labels[0]?.colour ?? "#808080" }, caption);
  return new XMLSerializer().serializeToString(root);
}

function download(name, href) {
  const link = make("a", { download: name, href });
  link.click();
  if (href.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(href), 5000);
}
