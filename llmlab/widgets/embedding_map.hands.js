// Mouse, fingers and keys on the map: pan, zoom, turn, hover, choose.

function hands(canvas, { eye, deep, pick, hover, choose, draw, keys, focused }) {
  const fingers = new Map();
  let drag = null;
  const at = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  const fromMiddle = (x, y) => [x - canvas.clientWidth / 2, y - canvas.clientHeight / 2];
  canvas.onpointerdown = (event) => {
    const [x, y] = at(event);
    canvas.setPointerCapture(event.pointerId); fingers.set(event.pointerId, [x, y]);
    drag = { x, y, moved: false };
  };
  canvas.onpointermove = (event) => {
    const [x, y] = at(event);
    if (fingers.size === 2 && fingers.has(event.pointerId)) { // two fingers: zoom about their middle
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1], mine = fingers.get(event.pointerId);
      const spread = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]);
      eye.zoomAt(spread([x, y]) / Math.max(1, spread(mine)), ...fromMiddle((x + other[0]) / 2, (y + other[1]) / 2));
      fingers.set(event.pointerId, [x, y]); drag = null; draw();
    } else if (drag && fingers.has(event.pointerId)) {
      const dx = x - drag.x, dy = y - drag.y;
      if (!drag.moved && Math.hypot(dx, dy) <= 4) return;
      drag = { x, y, moved: true };
      if (deep() && !event.shiftKey) eye.rotate(dx * 0.008, dy * 0.008); else eye.pan(dx, dy);
      hover(-1); draw();
    } else hover(pick(x, y, 14), x, y);
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => {
    fingers.delete(event.pointerId);
    if (drag && !drag.moved && event.type === "pointerup") { const found = pick(...at(event), event.pointerType === "touch" ? 24 : 14); if (found >= 0) choose(found); }
    drag = null;
  };
  canvas.onpointerleave = () => hover(-1);
  canvas.ondblclick = () => { eye.fit(); draw(); };
  // The wheel zooms once the map was clicked, so that the page can be scrolled past it.
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey && !focused()) return;
    event.preventDefault();
    eye.zoomAt(Math.exp(-event.deltaY * 0.0016), ...fromMiddle(...at(event))); draw();
  }, { passive: false });
  canvas.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (arrow && event.shiftKey) { if (deep()) eye.rotate(arrow[0] * 0.15, arrow[1] * 0.15); else eye.pan(-40 * arrow[0], -40 * arrow[1]); }
    else if (arrow) keys.step(arrow);
    else if (event.key === "+" || event.key === "=") eye.zoomAt(1.3, 0, 0);
    else if (event.key === "-") eye.zoomAt(1 / 1.3, 0, 0);
    else if (event.key === "0") eye.fit();
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault(); event.stopPropagation(); draw();
  };
}

// The point that lies nearest to `from` on the screen in the direction of an arrow.
function towards(screen, from, [dx, dy]) {
  let best = -1, least = Infinity;
  for (let i = 0; i < screen.length / 3; i++) {
    const x = screen[3 * i] - screen[3 * from], y = screen[3 * i + 1] - screen[3 * from + 1];
    const along = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (i !== from && along > 0.5 && along + 2 * aside < least) { least = along + 2 * aside; best = i; }
  }
  return best;
}

// The points nearest to one of them in the picture itself, nearest first.
function nearestDrawn(places, from, count) {
  const best = [];
  for (let i = 0; i < places.length / 3; i++) {
    if (i === from) continue;
    const d = (places[3 * i] - places[3 * from]) ** 2 + (places[3 * i + 1] - places[3 * from + 1]) ** 2 + (places[3 * i + 2] - places[3 * from + 2]) ** 2;
    if (best.length < count || d < best.at(-1)[0]) {
      let k = best.length;
      while (k > 0 && best[k - 1][0] > d) k--;
      best.splice(k, 0, [d, i]);
      if (best.length > count) best.pop();
    }
  }
  return best.map(([, i]) => i);
}
