// Head view: the tokens on both sides, a line for each look, as strong as its weight.
// Upright (queries left, keys right) or lying (queries above, keys below): the same drawing with its axes exchanged.
const PITCH = 21, SPREAD = 300;

function linesLayout(scene) {
  const lying = scene.flow === "lying";
  const longest = Math.max(...scene.tokens.slice(0, 600).map((token) => scene.measure(token, 13, true)), 8);
  const names = Math.min(longest + 14, lying ? 110 : scene.width * 0.3); // room for a token across the axis
  const along = lying ? Math.max(14, Math.min(34, (scene.width - 16) / scene.span)) : PITCH;
  const across = lying ? SPREAD + 2 * names : scene.width;
  const turn = lying && longest + 4 > along ? -90 : 0;
  return { lying, names: turn || !lying ? names : 24, along, across: turn || !lying ? across : SPREAD + 48, turn, length: along * scene.span };
}

const linesView = {
  height(scene) {
    const at = linesLayout(scene);
    return (at.lying ? at.across + 16 : at.length) + 22;
  },

  // The box of a token, and the point where its lines begin.
  box(scene, at, side, index) {
    const position = (index - scene.from[side]) * at.along;
    const near = side === 0 ? 0 : at.across - at.names, end = side === 0 ? at.names : at.across - at.names;
    return at.lying
      ? { x: position, y: near + 20, w: at.along, h: at.names, ax: position + at.along / 2, ay: end + 20 }
      : { x: near, y: position + 20, w: at.names, h: at.along, ax: end, ay: position + at.along / 2 + 20 };
  },

  draw(pen, scene) {
    const at = linesLayout(scene), { look } = pen, chosen = scene.shown[0];
    const titles = { size: 12, colour: look.faint };
    const wide = Math.max(at.names, scene.measure(scene.say.from, 12, false) + 2);
    pen.text(scene.say.from, at.lying ? 0 : wide, 8, { ...titles, align: at.lying ? "left" : "right" });
    if (at.lying) pen.text(scene.say.to, 0, at.across + 28, titles);
    else pen.text(scene.say.to, Math.min(at.across - at.names, scene.width - scene.measure(scene.say.to, 12, false) - 2), 8, titles);
    pen.clip(0, 18, scene.width, (at.lying ? at.across : at.length) + 4, () => {
      const rows = range(scene.from[0], scene.from[0] + scene.span, scene.n);
      for (const shown of scene.shown) {
        for (const i of rows) {
          const line = scene.attention.row(shown.layer, shown.head, i);
          if (!line) continue;
          const least = scene.attention.cut(shown.layer, shown.head, i, scene.mass);
          const start = this.box(scene, at, 0, i);
          for (let j = 0; j < scene.n; j++) {
            if (line[j] < least || !scene.allowed(i, j)) continue;
            const aside = (scene.row >= 0 && i !== scene.row) || (scene.column >= 0 && j !== scene.column);
            const outside = j < scene.from[1] || j >= scene.from[1] + scene.span;
            if (outside && (aside || (scene.row < 0 && scene.column < 0))) continue; // would only thicken the edge
            const stop = this.box(scene, at, 1, j);
            pen.line(start.ax, start.ay, stop.ax, stop.ay, shown.colour, 1 + 2 * line[j], aside ? 0.05 : Math.max(0.08, line[j] ** 0.7));
          }
        }
      }
      for (const side of [0, 1]) {
        for (const index of range(scene.from[side], scene.from[side] + scene.span, scene.n)) {
          const b = this.box(scene, at, side, index);
          const self = side === 0 ? index === scene.row : index === scene.column;
          const weight = side === 1 && scene.row >= 0 ? scene.attention.row(chosen.layer, chosen.head, scene.row)?.[index]
            : side === 0 && scene.column >= 0 && scene.row < 0 ? scene.attention.row(chosen.layer, chosen.head, index)?.[scene.column] : 0;
          if (weight > 0) pen.rect(b.x + 1, b.y + 1, b.w - 2, b.h - 2, chosen.colour, 0.65 * weight ** 0.7);
          if (scene.found.has(index)) pen.rect(b.x + 1, b.y + b.h - 3, b.w - 2, 2, look.prediction);
          if (self) pen.frame(b.x + 1, b.y + 1, b.w - 2, b.h - 2, side === 0 ? look.query : look.key, 2);
          const style = { mono: true, most: at.names - 8, bold: self };
          if (!at.turn && at.lying) pen.text(scene.tokens[index], b.x + b.w / 2, b.y + b.h / 2, { ...style, most: b.w, align: "center" });
          else if (at.turn) pen.text(scene.tokens[index], b.x + b.w / 2, side === 0 ? b.y + b.h - 5 : b.y + 5, { ...style, turn: -90, align: side === 0 ? "left" : "right" });
          else pen.text(scene.tokens[index], side === 0 ? b.x + b.w - 5 : b.x + 5, b.y + b.h / 2, { ...style, align: side === 0 ? "right" : "left" });
        }
      }
    });
  },

  at(scene, x, y) {
    const at = linesLayout(scene), across = at.lying ? y - 20 : x, along = at.lying ? x : y - 20;
    const side = across <= at.names ? 0 : across >= at.across - at.names ? 1 : -1;
    if (side < 0 || along < 0) return null;
    const index = scene.from[side] + Math.floor(along / at.along);
    if (index >= Math.min(scene.n, scene.from[side] + scene.span)) return null;
    return side === 0 ? { row: index, column: -1, side } : { row: -1, column: index, side };
  },
};

const range = (begin, end, most) => Array.from({ length: Math.max(0, Math.min(end, most) - begin) }, (_, i) => begin + i);
