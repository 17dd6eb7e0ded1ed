// All heads as thumbnails: grouped by what they do (beside the large view), or by layer (model view).
const GROUPS = ["previous", "induction", "same", "first", "separator", null];

// Where each thumbnail stands, in reading order, with the titles between them.
function headsLayout(scene, grouped) {
  const { layers, heads, names } = scene.attention, places = [], titles = [];
  const every = range(0, layers * heads, layers * heads).map((i) => ({ layer: Math.floor(i / heads), head: i % heads }));
  if (grouped) {
    const size = 44, gap = 6, note = 14, columns = Math.max(1, Math.floor((scene.width + gap) / (size + gap)));
    let y = 0;
    for (const group of GROUPS) {
      const members = every.filter((one) => names[one.layer][one.head] === group);
      if (!members.length) continue;
      if (group) members.sort((a, b) => scene.score(b, group) - scene.score(a, group));
      titles.push({ x: 0, y: y + 9, words: `${scene.say[`name_${group || "other"}`]} · ${members.length}` });
      y += 22;
      members.forEach((one, i) => {
        const note_ = group ? scene.score(one, group).toFixed(2) : "";
        places.push({ ...one, x: (i % columns) * (size + gap) + 1, y: y + Math.floor(i / columns) * (size + gap + (group ? note : 0)), size, note: note_ });
      });
      y += Math.ceil(members.length / columns) * (size + gap + (group ? note : 0)) + 8;
    }
    return { places, titles, height: y };
  }
  const left = 48, top = 38, size = Math.max(18, Math.min(110, (scene.width - left) / heads - 6, Math.max(38, 560 / layers)));
  every.forEach((one) => places.push({ ...one, x: left + one.head * (size + 6), y: top + one.layer * (size + 6), size, note: "" }));
  range(0, layers, layers).forEach((layer) => titles.push({ x: left - 8, y: top + layer * (size + 6) + size / 2, words: String(layer + 1), align: "right" }));
  range(0, heads, heads).forEach((head) => titles.push({ x: left + head * (size + 6) + size / 2, y: 26, words: String(head + 1), align: "center" }));
  titles.push({ x: left, y: 9, words: scene.say.head }, { x: 0, y: 26, words: scene.say.layer });
  return { places, titles, height: top + layers * (size + 6) };
}

function headsView(grouped) {
  return {
    height: (scene) => headsLayout(scene, grouped).height,
    draw(pen, scene) {
      const { places, titles } = headsLayout(scene, grouped), { sheet, side } = scene.sheet, { look } = pen;
      for (const { x, y, words, align } of titles) pen.text(words, x, y, { size: 12, align, colour: look.faint, most: grouped ? scene.width : 0 });
      for (const { layer, head, x, y, size, note } of places) {
        pen.tile(sheet, head * side, layer * side, side, x, y, size, size);
        if (note) pen.text(note, x + size / 2, y + size + 8, { size: 11, align: "center", colour: look.faint });
        const chosen = layer === scene.layer && head === scene.head;
        const over = scene.over && scene.over.layer === layer && scene.over.head === head;
        pen.frame(x, y, size, size, chosen ? look.key : over ? look.ink : look.line, chosen ? 2.5 : over ? 1.5 : 1);
      }
    },
    at(scene, x, y) {
      return headsLayout(scene, grouped).places.find((p) => x >= p.x && x <= p.x + p.size && y >= p.y && y <= p.y + p.size) || null;
    },
    // The thumbnail that the arrow keys reach from another.
    next(scene, from, dx, dy) {
      const { places } = headsLayout(scene, grouped);
      const here = places.find((p) => p.layer === from.layer && p.head === from.head) || places[0];
      const index = places.indexOf(here);
      if (dx) return places[Math.max(0, Math.min(places.length - 1, index + dx))];
      const beyond = places.filter((p) => (p.y - here.y) * dy > 0);
      if (!beyond.length) return here;
      const line = dy > 0 ? Math.min(...beyond.map((p) => p.y)) : Math.max(...beyond.map((p) => p.y));
      return beyond.filter((p) => p.y === line).reduce((a, b) => (Math.abs(b.x - here.x) < Math.abs(a.x - here.x) ? b : a));
    },
  };
}
