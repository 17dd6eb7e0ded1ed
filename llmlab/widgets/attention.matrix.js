// Matrix view: a row for each token that looks, a column for each it can look at.

function matrixLayout(scene) {
  const longest = Math.max(...scene.tokens.slice(0, 600).map((token) => scene.measure(token, 12, true)), 8);
  const names = Math.min(longest + 10, 96);
  const size = (margin) => Math.min(26, (scene.width - margin) / scene.span, Math.max(10, 480 / scene.span));
  const labelled = size(names) >= 9;
  const cell = size(labelled ? names : 14);
  return { names: labelled ? names : 14, cell, labelled, turn: longest + 2 > cell ? -90 : 0 };
}

const matrixView = {
  height(scene) {
    const { names, cell } = matrixLayout(scene);
    return names + cell * scene.span + 34;
  },

  draw(pen, scene) {
    const { names, cell, labelled, turn } = matrixLayout(scene), { look } = pen, { layer, head, colour } = scene.shown[0];
    const rows = range(scene.from[0], scene.from[0] + scene.span, scene.n);
    const columns = range(scene.from[1], scene.from[1] + scene.span, scene.n);
    for (const i of rows) {
      const line = scene.attention.row(layer, head, i), y = names + (i - scene.from[0]) * cell;
      for (const j of columns) {
        if ((scene.attention.causal && j > i) || !scene.allowed(i, j)) continue;
        const x = names + (j - scene.from[1]) * cell, gap = cell > 6 ? 1 : 0;
        pen.rect(x, y, cell - gap, cell - gap, look.panel);
        if (line && line[j] > 1e-5) pen.rect(x, y, cell - gap, cell - gap, colour, Math.sqrt(line[j]));
      }
      if (labelled) pen.text(scene.tokens[i], names - 5, y + cell / 2, { mono: true, size: 12, align: "right", most: names - 6, bold: i === scene.row, colour: scene.found.has(i) ? look.prediction : look.ink });
    }
    if (labelled) {
      for (const j of columns) {
        pen.text(scene.tokens[j], names + (j - scene.from[1] + 0.5) * cell, turn ? names - 5 : names - 9, { mono: true, size: 12, turn, align: turn ? "left" : "center", most: names - 6, bold: j === scene.column, colour: scene.found.has(j) ? look.prediction : look.ink });
      }
    }
    const edge = cell * Math.min(scene.span, scene.n);
    if (scene.row >= scene.from[0] && scene.row < scene.from[0] + scene.span) pen.frame(names - 0.5, names + (scene.row - scene.from[0]) * cell - 0.5, edge, cell, look.query);
    if (scene.column >= scene.from[1] && scene.column < scene.from[1] + scene.span) pen.frame(names + (scene.column - scene.from[1]) * cell - 0.5, names - 0.5, cell, edge, look.key);
    const base = names + cell * scene.span + 20, wide = 150;
    for (let i = 0; i < wide; i++) pen.rect(names + i, base - 5, 1.2, 10, colour, i / wide); // opacity is √weight
    for (const [weight, align] of [[0, "left"], [0.1, "center"], [0.4, "center"], [1, "right"]]) {
      pen.text(String(weight), names + wide * Math.sqrt(weight), base + 11, { size: 10, align, colour: look.faint });
    }
    pen.text(scene.say.scale, names + wide + 10, base, { size: 12, colour: look.faint, most: scene.width - names - wide - 12 });
  },

  at(scene, x, y) {
    const { names, cell } = matrixLayout(scene);
    const row = scene.from[0] + Math.floor((y - names) / cell), column = scene.from[1] + Math.floor((x - names) / cell);
    const inside = (value, side) => value >= scene.from[side] && value < Math.min(scene.n, scene.from[side] + scene.span);
    if (y < names && inside(column, 1)) return { row: -1, column, side: 1 };
    if (x < names && inside(row, 0)) return { row, column: -1, side: 0 };
    return inside(row, 0) && inside(column, 1) ? { row, column, side: 0 } : null;
  },
};
