// What is seen, in words: the sentence under the picture, the numbers beside the pointer, the table.

const percentOf = (say, w) => fill(say.percent, { n: w === 0 ? "0" : w >= 0.0995 ? (100 * w).toFixed(0) : w >= 0.001 ? (100 * w).toFixed(1) : "<0.1" });

// The look that says most about a head: the largest weight on another token, not of the first two queries.
function strongest(attention, line) {
  let best = { row: attention.n - 1, column: 0, weight: -1 };
  for (let i = Math.min(2, attention.n - 1); i < attention.n; i++) {
    line(i).forEach((weight, j) => { if (j !== i && weight > best.weight) best = { row: i, column: j, weight }; });
  }
  return best;
}

// The sentence as pieces: strings, and { token } for tokens, which are shown as such.
function sentence(scene, numbers) {
  const { say, attention, tokens } = scene, n = attention.n;
  const line = (i) => numbers.weights.subarray(i * n, (i + 1) * n);
  const token = (i) => ({ token: tokens[i], index: i });
  const share = (w) => percentOf(say, w);
  if (attention.causal && scene.row >= 0 && scene.column > scene.row) return pieces(say.not_ahead, { query: [token(scene.row)], key: [token(scene.column)] });
  if (scene.view === "products" && scene.column >= 0) return scoreSentence(scene, numbers);
  if (scene.row < 0 && scene.column >= 0) {
    const lookers = range(0, n, n).sort((a, b) => line(b)[scene.column] - line(a)[scene.column]).slice(0, 3);
    return pieces(say.seen_by, { token: [token(scene.column)], list: listed(say, lookers.map((i) => [token(i), ` ${share(line(i)[scene.column])}`])) });
  }
  // Where no token was chosen the products are the last token's; the other views tell the strongest look.
  const row = scene.row >= 0 ? scene.row : scene.view === "products" ? n - 1 : strongest(attention, line).row;
  const order = scene.row >= 0 && scene.column >= 0 ? [scene.column]
    : [...line(row).keys()].sort((a, b) => line(row)[b] - line(row)[a]).filter((j, k) => !k || line(row)[j] >= 0.05).slice(0, 3);
  const verb = (j) => (j === row ? "at_itself" : j < row ? "looks_back" : "looks_ahead");
  const told = order.map((j, i) => pieces(say[i && verb(order[i - 1]) === verb(j) ? "and_at" : verb(j)], { token: [token(j)], p: [share(line(row)[j])] }));
  return [token(row), " ", ...listed(say, told), say.stop];
}

function scoreSentence({ say, tokens, row, column, attention }, numbers) {
  const { q, k, width, scores, weights } = numbers, at = (row < 0 ? attention.n - 1 : row);
  let best = 0;
  const product = (d) => Math.fround(q[at * width + d] * k[column * width + d]);
  for (let d = 1; d < width; d++) if (Math.abs(product(d)) > Math.abs(product(best))) best = d;
  return pieces(say.score_sentence, {
    query: [{ token: tokens[at] }], key: [{ token: tokens[column] }], width: [String(width)], dimension: [String(best + 1)],
    part: [product(best).toFixed(2)], score: [scores[at * attention.n + column].toFixed(2)], p: [percentOf(say, weights[at * attention.n + column])],
  });
}

const listed = (say, items) => items.flatMap((item, i) => (i ? [say.comma, ...item] : item));

// A phrase with its {placeholders} replaced by lists of pieces.
const pieces = (phrase, values) => phrase.split(/(\{\w+\})/).flatMap((part) => (part.startsWith("{") ? values[part.slice(1, -1)] : part ? [part] : []));

const asText = (parts) => parts.map((part) => (part.token === undefined ? part : `“${part.token}”`)).join("");
const asNodes = (parts) => parts.map((part) => (part.token === undefined ? part : make("bdi", { className: "token", text: part.token })));

// What stands beside the pointer: the exact numbers of one pair, or of one dimension.
function pairLines(scene, numbers, hit) {
  const { say, tokens, attention } = scene, at = hit.row * attention.n + hit.column;
  if (attention.causal && hit.column > hit.row) return [`${tokens[hit.row]} → ${tokens[hit.column]}`, say.hidden];
  const lines = [`${tokens[hit.row]} → ${tokens[hit.column]}`, `${say.weight} ${float32(numbers.weights[at])}`, `${say.score} ${float32(numbers.scores[at])}`];
  if (hit.dimension >= 0) {
    const q = numbers.q[hit.row * numbers.width + hit.dimension], k = numbers.k[hit.column * numbers.width + hit.dimension];
    lines.push(`${fill(say.dimension, { n: hit.dimension + 1 })} ${float32(q)} × ${float32(k)} = ${float32(Math.fround(q * k))}`);
  }
  return lines;
}

// One row of attention, number by number.
function rowTable(scene, numbers, row) {
  const { say, tokens, attention } = scene, n = attention.n;
  const heads = [say.position, say.token, say.weight, say.score];
  const body = range(0, attention.causal ? row + 1 : n, n).map((j) => make("tr", {},
    ...[String(j + 1), tokens[j], float32(numbers.weights[row * n + j]), float32(numbers.scores[row * n + j])].map((text, c) =>
      make("td", { className: c === 1 ? "" : "number", dir: "auto", text }))));
  return make("table", {}, make("caption", { className: "note", text: fill(say.table_of, { token: tokens[row] }) }),
    make("thead", {}, make("tr", {}, ...heads.map((text, c) => make("th", { text, scope: "col", className: c === 1 ? "" : "number" })))),
    make("tbody", {}, ...body));
}
