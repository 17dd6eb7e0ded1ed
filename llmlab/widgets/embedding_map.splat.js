// Draws thousands of points fast on any machine: each is a small mask, blended straight into the picture's pixels.

const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "plus", "ring"];

// Whether (x, y), each -1…1, lies inside a mark.
const INSIDE = {
  circle: (x, y) => x * x + y * y <= 0.85,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= 0.78,
  triangle: (x, y) => y <= 0.7 && y >= -0.9 + 1.75 * Math.abs(x),
  diamond: (x, y) => Math.abs(x) + Math.abs(y) <= 1,
  cross: (x, y) => Math.min(Math.abs(x + y), Math.abs(x - y)) <= 0.42 && Math.max(Math.abs(x), Math.abs(y)) <= 0.85,
  plus: (x, y) => Math.min(Math.abs(x), Math.abs(y)) <= 0.3 && Math.max(Math.abs(x), Math.abs(y)) <= 0.95,
  ring: (x, y) => x * x + y * y <= 0.95 && x * x + y * y >= 0.4,
};

const masks = new Map();
// The coverage of each pixel of a mark of this radius, 0…255, from 4 × 4 samples.
function mask(shape, radius) {
  const key = shape + radius;
  if (!masks.has(key)) {
    const size = Math.ceil(radius) * 2 + 1, middle = size / 2, cover = new Uint8Array(size * size);
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) {
      let hits = 0;
      for (let i = 0; i < 16; i++) {
        if (INSIDE[shape]((x + ((i % 4) + 0.5) / 4 - middle) / radius, (y + ((i >> 2) + 0.5) / 4 - middle) / radius)) hits++;
      }
      cover[y * size + x] = Math.round((hits / 16) * 255);
    }
    masks.set(key, { size, cover });
  }
  return masks.get(key);
}

// Blends one mark into `pixels` (RGBA bytes as 32-bit words, little-endian), its middle at (cx, cy).
function splat(pixels, width, height, cx, cy, { size, cover }, colour, strength) {
  const left = Math.round(cx - size / 2), top = Math.round(cy - size / 2);
  if (left <= -size || top <= -size || left >= width || top >= height) return;
  const r = colour & 255, g = (colour >> 8) & 255, b = (colour >> 16) & 255;
  for (let y = Math.max(0, -top); y < size && top + y < height; y++) {
    for (let x = Math.max(0, -left); x < size && left + x < width; x++) {
      const a = (cover[y * size + x] * strength) >> 8;
      if (!a) continue;
      const at = (top + y) * width + left + x, old = pixels[at];
      const or = old & 255, og = (old >> 8) & 255, ob = (old >> 16) & 255;
      pixels[at] = 0xff000000 | ((ob + (((b - ob) * a) >> 8)) << 16) | ((og + (((g - og) * a) >> 8)) << 8) | (or + (((r - or) * a) >> 8));
    }
  }
}

// Points (x, y, depth from -1.2 to 1.2) in the order in which nearer ones cover those behind: sorted into 64 depths.
function backToFront(order, places) {
  const next = new Uint32Array(65), sorted = new Uint32Array(order.length);
  const bin = (i) => Math.max(0, Math.min(63, Math.floor((places[3 * i + 2] + 1.2) * 26.6)));
  for (const i of order) next[bin(i) + 1]++;
  for (let b = 0; b < 64; b++) next[b + 1] += next[b];
  for (const i of order) sorted[next[bin(i)]++] = i;
  return sorted;
}

// "rgb(1, 2, 3)" or "#010203" as a 32-bit word.
function word(colour) {
  const hex = /^#([0-9a-f]{6})/i.exec(colour);
  const [r, g, b] = hex ? [0, 2, 4].map((i) => parseInt(hex[1].slice(i, i + 2), 16)) : colour.match(/[\d.]+/g).map(Number);
  return ((b << 16) | (g << 8) | r) >>> 0;
}
const css = (w) => `rgb(${w & 255}, ${(w >> 8) & 255}, ${(w >> 16) & 255})`;
const between = (a, b, t) => {
  const mix = (shift) => { const x = (a >> shift) & 255; return Math.round(x + (((b >> shift) & 255) - x) * t) << shift; };
  return (mix(0) | mix(8) | mix(16)) >>> 0;
};
