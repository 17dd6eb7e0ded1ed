// Names beside points, as many as fit without covering one another: the wanted ones first, then by importance.

const LABELS = 70, TRIED = 2500;

function placeLabels(context, { at, names, wanted, order, width, height, size }) {
  const taken = [], placed = [];
  const free = (box) => box.x >= 0 && box.y >= 0 && box.x + box.w <= width && box.y + box.h <= height
    && !taken.some((t) => box.x < t.x + t.w && t.x < box.x + box.w && box.y < t.y + t.h && t.y < box.y + box.h);
  const measured = (placeLabels.widths ??= new Map());
  function put(i, forced) {
    const x = at[3 * i], y = at[3 * i + 1];
    if (x < 0 || y < 0 || x > width || y > height) return;
    const text = names[i].length > 34 ? names[i].slice(0, 33) + "…" : names[i];
    const key = size + text;
    if (!measured.has(key)) { if (measured.size > 60000) measured.clear(); measured.set(key, context.measureText(text).width); }
    const w = measured.get(key) + 4, h = size + 4;
    const spots = [[x + 6, y - h / 2], [x - w - 6, y - h / 2], [x - w / 2, y - h - 5], [x - w / 2, y + 6]];
    const spot = spots.map(([bx, by]) => ({ x: bx, y: by, w, h })).find(free);
    if (spot) { taken.push(spot); placed.push({ i, text, x: spot.x + 2, y: spot.y + h / 2, forced }); }
  }
  for (const i of wanted) put(i, true);
  let tried = 0;
  for (const i of order) {
    if (placed.length >= LABELS || tried > TRIED) break;
    const x = at[3 * i], y = at[3 * i + 1];
    if (x < 0 || y < 0 || x > width || y > height || wanted.includes(i)) continue;
    tried++;
    put(i, false);
  }
  return placed;
}
