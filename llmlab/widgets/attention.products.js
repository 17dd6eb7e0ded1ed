// Neuron view: how one score comes about. The query of the chosen token, and for each token it can look at the key,
// the products q·k dimension by dimension, their sum over √d, and the weight that softmax makes of it.

function productsLayout(scene) {
  const longest = Math.max(...scene.tokens.slice(0, 600).map((token) => scene.measure(token, 13, true)), 8);
  const names = Math.max(scene.width < 480 ? 42 : 64, Math.min(longest + 12, scene.width * 0.18)), numbers = 54, bar = Math.min(110, scene.width * 0.16);
  const room = scene.width - 2 * names - numbers - bar - 44;
  return { names, numbers, bar, strip: Math.max(24, room / 2), x: 2 * names + 10 };
}

const productsView = {
  height: (scene) => 56 + PITCH * scene.span,

  draw(pen, scene) {
    const at = productsLayout(scene), { look } = pen, chosen = scene.shown[0];
    const numbers = scene.attention.numbers(chosen.layer, chosen.head), row = scene.row < 0 ? scene.n - 1 : scene.row;
    const heading = { size: 12, colour: look.faint };
    const keys = at.x, products = at.x + at.strip + 12, score = products + at.strip + at.numbers, bar = score + 12;
    pen.text(scene.say.from, 4, 8, { ...heading, colour: look.query, most: at.names });
    pen.text(scene.say.to, at.names + 6, 8, { ...heading, colour: look.key, most: at.names });
    pen.text(scene.say.key_vector, keys, 8, { ...heading, most: at.strip });
    pen.text(scene.say.product_strip, products, 8, { ...heading, most: at.strip });
    pen.text(scene.say.score, score, 8, { ...heading, align: "right" });
    pen.text(scene.say.weight, bar, 8, heading);
    if (!numbers) return;
    const q = numbers.q.subarray(row * numbers.width, (row + 1) * numbers.width), cell = at.strip / numbers.width;
    const visible = range(scene.from[1], scene.from[1] + scene.span, scene.n).filter((j) => !scene.attention.causal || j <= row);
    const key = (j) => numbers.k.subarray(j * numbers.width, (j + 1) * numbers.width);
    const most = { q: largest(q), k: Math.max(...visible.map((j) => largest(key(j))), 1e-9), p: 1e-9 };
    for (const j of visible) key(j).forEach((k, d) => { most.p = Math.max(most.p, Math.abs(k * q[d])); });
    const strip = (values, x, y, h, scale) => values.forEach((value, d) =>
      pen.rect(x + d * cell, y, cell + 0.3, h, value < 0 ? look.query : look.key, Math.min(1, Math.abs(value) / scale)));
    pen.text(scene.say.query_vector, keys - 8, 29, { ...heading, colour: look.query, align: "right" });
    pen.rect(keys, 20, at.strip, 17, look.panel);
    strip(q, keys, 20, 17, most.q);
    for (const i of range(scene.from[0], scene.from[0] + scene.span, scene.n)) {
      const y = 48 + (i - scene.from[0]) * PITCH;
      if (i === row) pen.frame(1, y + 1, at.names - 2, PITCH - 2, look.query, 2);
      if (scene.found.has(i)) pen.rect(1, y + PITCH - 3, at.names - 2, 2, look.prediction);
      pen.text(scene.tokens[i], 5, y + PITCH / 2, { mono: true, most: at.names - 8, bold: i === row });
    }
    for (const j of visible) {
      const y = 48 + (j - scene.from[1]) * PITCH, k = key(j), weight = numbers.weights[row * scene.n + j];
      if (j === scene.column) pen.frame(at.names + 3, y + 1, scene.width - at.names - 5, PITCH - 2, look.key, 1.5);
      pen.text(scene.tokens[j], at.names + 8, y + PITCH / 2, { mono: true, most: at.names - 8, bold: j === scene.column });
      pen.rect(keys, y + 3, at.strip, PITCH - 6, look.panel);
      strip(k, keys, y + 3, PITCH - 6, most.k);
      pen.rect(products, y + 3, at.strip, PITCH - 6, look.panel);
      strip(k.map((value, d) => value * q[d]), products, y + 3, PITCH - 6, most.p);
      pen.text(numbers.scores[row * scene.n + j].toFixed(2), score, y + PITCH / 2, { size: 12, align: "right" });
      pen.rect(bar, y + 4, Math.max(1, at.bar * weight), PITCH - 8, look.accent, 0.55);
      pen.text(percentOf(scene.say, weight), bar + at.bar, y + PITCH / 2, { size: 12, align: "right" });
    }
  },

  at(scene, x, y) {
    const at = productsLayout(scene), index = Math.floor((y - 48) / PITCH);
    if (y < 48 || index >= scene.span) return null;
    if (x <= at.names) return scene.from[0] + index < scene.n ? { row: scene.from[0] + index, column: -1, side: 0 } : null;
    const row = scene.row < 0 ? scene.n - 1 : scene.row, column = scene.from[1] + index;
    if (column >= scene.n || (scene.attention.causal && column > row)) return null;
    const numbers = scene.attention.numbers(scene.shown[0].layer, scene.shown[0].head);
    const inside = [at.x, at.x + at.strip + 12].map((begin) => (x - begin) / at.strip).find((part) => part >= 0 && part < 1);
    return { row, column, side: 1, dimension: inside === undefined || !numbers ? -1 : Math.floor(inside * numbers.width) };
  },
};

const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
