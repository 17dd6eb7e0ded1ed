// The attention of all heads as bytes for the eye, and of some heads as the float32 that may be printed.

// The shortest decimal that is this float32 and no other.
function float32(x) {
  if (!Number.isFinite(x)) return String(x);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === x) return String(short);
  }
  return String(Number(x.toPrecision(9)));
}

class Attention {
  // `picture` as attention.py makes it; `bytes` are 255·√weight, (layer, head, side, side).
  constructor(picture, bytes) {
    Object.assign(this, picture);
    this.n = picture.tokens.length;
    [this.layers, this.heads, this.side] = bytes.shape;
    this.bytes = bytes;
    this.whole = this.side === this.n; // else each byte stands for a square of cells
    this.exact = new Map();
    this.cuts = new Map();
  }
  async learn(numbers) {
    const names = ["weights", "scores", "q", "k"];
    const parts = await Promise.all(names.map((name) => unpack(numbers[name])));
    const found = Object.fromEntries(names.map((name, i) => [name, parts[i]]));
    found.width = found.q.shape[1];
    this.exact.set(numbers.layer * this.heads + numbers.head, found);
  }
  numbers(layer, head) { return this.exact.get(layer * this.heads + head); }
  // A row of weights to draw: exact where known, else from the bytes; null where neither tells.
  row(layer, head, i) {
    const exact = this.numbers(layer, head);
    if (exact) return exact.weights.subarray(i * this.n, (i + 1) * this.n);
    if (!this.whole) return null;
    const begin = ((layer * this.heads + head) * this.n + i) * this.n;
    return Float32Array.from(this.bytes.subarray(begin, begin + this.n), (b) => (b / 255) ** 2);
  }
  // The smallest weight of a row that is needed to cover `mass` of it.
  cut(layer, head, i, mass) {
    const key = `${layer} ${head} ${i} ${mass} ${Boolean(this.numbers(layer, head))}`;
    if (!this.cuts.has(key)) {
      const line = Float32Array.from(this.row(layer, head, i)).sort().reverse();
      let covered = 0, last = 0;
      while (last < line.length && covered < mass) covered += line[last++];
      this.cuts.set(key, Math.max(line[last - 1] ?? 0, 1e-6));
    }
    return this.cuts.get(key);
  }
}

// All heads as small pictures on one sheet: accent with the weight's root as its opacity.
function sheetOf(attention, look) {
  const { layers, heads, side, bytes } = attention;
  const step = Math.ceil(side / 64), small = Math.ceil(side / step);
  const sheet = make("canvas", { width: heads * small, height: layers * small });
  const context = sheet.getContext("2d");
  const ink = rgb(look.accent), paper = rgb(look.panel);
  const mixed = Array.from({ length: 256 }, (_, b) => paper.map((p, c) => Math.round(p + ((ink[c] - p) * b) / 255)));
  const pixels = new Uint32Array(mixed.map(([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r));
  for (let layer = 0; layer < layers; layer++) {
    for (let head = 0; head < heads; head++) {
      const image = context.createImageData(small, small), out = new Uint32Array(image.data.buffer);
      const begin = (layer * heads + head) * side * side, most = new Uint8Array(small * small);
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const at = step === 1 ? y * side + x : Math.floor(y / step) * small + Math.floor(x / step);
          const value = bytes[begin + y * side + x];
          if (value > most[at]) most[at] = value;
        }
      }
      for (let at = 0; at < out.length; at++) out[at] = pixels[most[at]];
      context.putImageData(image, head * small, layer * small);
    }
  }
  return { sheet, side: small };
}

function rgb(colour) {
  const context = make("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}
