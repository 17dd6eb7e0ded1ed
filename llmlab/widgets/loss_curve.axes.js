// Round numbers for an axis, and labels beside it that do not cover each other.

const LABEL_GAP = 15;

function ticks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-6; v += step) found.push(Math.abs(v) < step * 1e-6 ? 0 : v);
  return found;
}

function logTicks(low, high) {
  const all = [];
  for (let p = Math.floor(Math.log10(low)); p <= Math.log10(high); p++) for (const m of [1, 2, 5]) all.push(m * 10 ** p);
  const inside = all.filter((v) => v >= low * 0.999 && v <= high * 1.001);
  return inside.length > 9 ? inside.filter((v) => String(v)[0] === "1") : inside;
}

// Labels pushed apart, keeping their order, so that none covers another and none leaves the plot.
function spread(labels, top, bottom) {
  labels.sort((a, b) => a.y - b.y);
  let edge = top - LABEL_GAP;
  for (const label of labels) edge = label.at = Math.max(label.y, edge + LABEL_GAP);
  edge = bottom + LABEL_GAP;
  for (const label of [...labels].reverse()) edge = label.at = Math.min(label.at, edge - LABEL_GAP);
  return labels;
}

