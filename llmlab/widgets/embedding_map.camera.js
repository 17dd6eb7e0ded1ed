// Where the points of a map stand on the screen: pan, zoom and, in three dimensions, rotation.

function camera() {
  let zoom = 1, panX = 0, panY = 0;
  let turn = [1, 0, 0, 0, 1, 0, 0, 0, 1]; // rotation, row by row
  const multiply = (a, b) => [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j]));
  return {
    get zoom() { return zoom; },
    get turn() { return turn; },
    fit() { zoom = 1; panX = panY = 0; turn = multiply([1, 0, 0, 0, Math.cos(0.35), -Math.sin(0.35), 0, Math.sin(0.35), Math.cos(0.35)],
      [Math.cos(0.5), 0, Math.sin(0.5), 0, 1, 0, -Math.sin(0.5), 0, Math.cos(0.5)]); },
    pan(dx, dy) { panX += dx; panY += dy; },
    // Zooms about a point of the screen, given from its middle.
    zoomAt(factor, x, y) {
      const to = Math.min(400, Math.max(0.4, zoom * factor));
      panX = x - ((x - panX) * to) / zoom; panY = y - ((y - panY) * to) / zoom; zoom = to;
    },
    rotate(dx, dy) {
      const [cx, sx, cy, sy] = [Math.cos(dx), Math.sin(dx), Math.cos(dy), Math.sin(dy)];
      turn = multiply(multiply([1, 0, 0, 0, cy, -sy, 0, sy, cy], [cx, 0, sx, 0, 1, 0, -sx, 0, cx]), turn);
    },
    centreOn(x, y, z, deep) { const [u, v] = this.turned(x, y, z, deep); panX = -u * zoom * this.unit; panY = v * zoom * this.unit; },
    turned(x, y, z, deep) {
      if (!deep) return [x, y, 0];
      return [turn[0] * x + turn[1] * y + turn[2] * z, turn[3] * x + turn[4] * y + turn[5] * z, turn[6] * x + turn[7] * y + turn[8] * z];
    },
    unit: 100, // pixels from the middle to the edge of the cloud at zoom 1
    // Screen places of `places` (x, y, z of each point), written into `out` (x, y, depth -1…1).
    project(places, out, width, height, deep) {
      const scale = zoom * this.unit, mx = width / 2 + panX, my = height / 2 + panY;
      for (let i = 0; i < places.length; i += 3) {
        const x = places[i], y = places[i + 1], z = places[i + 2];
        if (!deep) { out[i] = mx + x * scale; out[i + 1] = my - y * scale; out[i + 2] = 0; continue; }
        const depth = turn[6] * x + turn[7] * y + turn[8] * z, near = 1 / (1 - 0.22 * depth); // a little perspective
        out[i] = mx + (turn[0] * x + turn[1] * y + turn[2] * z) * scale * near;
        out[i + 1] = my - (turn[3] * x + turn[4] * y + turn[5] * z) * scale * near;
        out[i + 2] = depth;
      }
      return out;
    },
  };
}

// The places of one frame of a picture as x, y, z around zero, with nearly all points within 1.
function normalised(places, dims, frame, n, scale) {
  const out = new Float32Array(n * 3), from = frame * n * dims;
  for (let i = 0; i < n; i++) for (let d = 0; d < dims; d++) out[3 * i + d] = (places[from + i * dims + d] - scale.middle[d]) / scale.reach;
  return out;
}
function scaleOf(places, dims) {
  const count = places.length / dims, middle = [0, 0, 0];
  const columns = [0, 1, 2].slice(0, dims).map((d) => {
    const column = new Float32Array(count);
    for (let i = 0; i < count; i++) column[i] = places[i * dims + d];
    return column.sort();
  });
  let reach = 1e-9;
  columns.forEach((column, d) => {
    const low = column[Math.floor(count * 0.002)], high = column[Math.min(count - 1, Math.ceil(count * 0.998))];
    middle[d] = (low + high) / 2;
    reach = Math.max(reach, (high - low) / 2);
  });
  return { middle, reach };
}
