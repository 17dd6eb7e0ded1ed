// Colours and marks of points by an attribute, and the legend that explains them.

const STOPS = { light: ["#B9C6CE", "#3A8FC2", "#08345E"], dark: ["#44505C", "#3A9AD9", "#D3ECFA"] };
const CATEGORIES = 7;

const number = (v) => (Number.isInteger(v) ? v.toLocaleString() : Number(v.toPrecision(3)).toString());
const NUMBERED = ["cluster", "sentence", "group"];
// What a point's value is called in the reader's language.
const valueName = (say, attribute, name) => (NUMBERED.includes(attribute) ? fill(say["one_" + attribute], { n: name }) : say["value_" + name] ?? name);
const valueOf = (say, a, i) => (a.names ? valueName(say, a.name, a.names[a.values[i]]) : number(a.values[i]));

// “length 3”; “paragraph 2” says itself what it is.
const factOf = (say, a, i) => (NUMBERED.includes(a.name) ? valueOf(say, a, i) : fill(say.fact, { name: say["by_" + a.name], value: valueOf(say, a, i) }));

function looksOf({ el, probe, attribute, n, say }) {
  const style = getComputedStyle(el), [r, g, b] = style.color.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0];
  const dark = 0.3 * r + 0.6 * g + 0.1 * b > 128;
  // A variable may hold light-dark(…): only a property of an element tells the colour it comes to.
  const read = (name) => { probe.style.outlineColor = `var(${name})`; return word(getComputedStyle(probe).outlineColor); };
  const paper = read("--paper"), grey = read("--llm-residual");
  const hues = ["--llm-query", "--llm-key", "--llm-value", "--llm-prediction"].map(read).concat(["#E69F00", "#56B4E9", "#CC79A7"].map(word));
  const colour = new Uint32Array(n).fill(hues[0]), shape = new Uint8Array(n);
  let swatches = [];
  if (attribute?.names) {
    const many = attribute.names.length > CATEGORIES, kept = many ? CATEGORIES - 1 : attribute.names.length;
    for (let i = 0; i < n; i++) { const c = attribute.values[i]; colour[i] = c < kept ? hues[c] : grey; shape[i] = Math.min(c, SHAPES.length - 1); }
    swatches = attribute.names.slice(0, kept).map((name, c) => ({ text: valueName(say, attribute.name, name), colour: hues[c], shape: SHAPES[c] }));
    if (many) swatches.push({ text: say.others, colour: grey, shape: SHAPES[6] });
  } else if (attribute) {
    const f = attribute.logarithmic ? (v) => Math.log10(1 + v) : (v) => v;
    let low = Infinity, high = -Infinity;
    for (const v of attribute.values) { low = Math.min(low, v); high = Math.max(high, v); }
    const stops = STOPS[dark ? "dark" : "light"].map(word);
    for (let i = 0; i < n; i++) {
      const t = (f(attribute.values[i]) - f(low)) / (f(high) - f(low) || 1);
      colour[i] = t < 0.5 ? between(stops[0], stops[1], 2 * t) : between(stops[1], stops[2], 2 * t - 1);
    }
    swatches = [{ ramp: stops.map(css), low: number(low), high: number(high) }];
  }
  return { colour, shape, paper, paperCss: css(paper), ink: style.color, hue: hues.map(css), grey: css(grey), swatches, font: style.fontFamily };
}

function legendEntries(swatches) {
  return swatches.map((s) => {
    if (s.ramp) {
      const bar = make("span", { className: "ramp" });
      bar.style.background = `linear-gradient(90deg, ${s.ramp.join(",")})`;
      return make("span", { className: "entry" }, s.low, bar, s.high);
    }
    const mark = make("canvas", { width: 22, height: 22, className: "mark" }), context = mark.getContext("2d");
    const image = context.createImageData(22, 22), { size, cover } = mask(s.shape, 9), edge = (22 - size) >> 1;
    for (let i = 0; i < cover.length; i++) {
      image.data.set([s.colour & 255, (s.colour >> 8) & 255, (s.colour >> 16) & 255, cover[i]], 4 * ((Math.floor(i / size) + edge) * 22 + (i % size) + edge));
    }
    context.putImageData(image, 0, 0);
    return make("span", { className: "entry" }, mark, s.text);
  });
}
