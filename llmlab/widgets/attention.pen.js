// What a view draws with: the same strokes go to a canvas (screen, PNG) or into an SVG (file).
const SVG = "http://www.w3.org/2000/svg";

function canvasPen(context, look) {
  return {
    look,
    rect(x, y, w, h, colour, alpha = 1) {
      context.globalAlpha = alpha;
      context.fillStyle = colour;
      context.fillRect(x, y, w, h);
    },
    frame(x, y, w, h, colour, width = 1.5) {
      context.globalAlpha = 1;
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(x, y, w, h);
    },
    line(x1, y1, x2, y2, colour, width, alpha = 1) {
      context.globalAlpha = alpha;
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      context.stroke();
    },
    text(words, x, y, { colour = look.ink, align = "left", size = 13, mono = false, bold = false, turn = 0, most = 0, alpha = 1 } = {}) {
      context.save();
      context.globalAlpha = alpha;
      context.fillStyle = colour;
      context.font = `${bold ? 600 : 400} ${size}px ${mono ? look.mono : look.font}`;
      context.textAlign = align;
      context.textBaseline = "middle";
      context.translate(x, y);
      context.rotate((turn * Math.PI) / 180);
      context.fillText(most ? shortened(words, most, (part) => context.measureText(part).width) : words, 0, 0);
      context.restore();
    },
    tile(sheet, sx, sy, side, x, y, w, h) {
      context.globalAlpha = 1;
      context.imageSmoothingEnabled = w < side;
      context.imageSmoothingQuality = "high";
      context.drawImage(sheet, sx, sy, side, side, x, y, w, h);
    },
    clip(x, y, w, h, draw) {
      context.save();
      context.beginPath();
      context.rect(x, y, w, h);
      context.clip();
      draw();
      context.restore();
    },
  };
}

function svgPen(root, look, measure) {
  let into = root, clips = 0;
  const add = (name, attributes) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, typeof value === "number" ? +value.toFixed(2) : value);
    into.append(node);
    return node;
  };
  return {
    look,
    rect: (x, y, width, height, fill, alpha = 1) => add("rect", { x, y, width, height, fill, "fill-opacity": alpha }),
    frame: (x, y, width, height, stroke, w = 1.5) => add("rect", { x, y, width, height, stroke, "stroke-width": w, fill: "none" }),
    line: (x1, y1, x2, y2, stroke, w, alpha = 1) => add("line", { x1, y1, x2, y2, stroke, "stroke-width": w, "stroke-opacity": alpha }),
    text(words, x, y, { colour = look.ink, align = "left", size = 13, mono = false, bold = false, turn = 0, most = 0, alpha = 1 } = {}) {
      const anchor = { left: "start", center: "middle", right: "end" }[align];
      const family = mono ? look.mono : look.font;
      add("text", { x, y, fill: colour, "fill-opacity": alpha, "font-size": size, "font-weight": bold ? 600 : 400, "font-family": family,
        "text-anchor": anchor, "dominant-baseline": "central", transform: turn ? `rotate(${turn} ${x} ${y})` : "rotate(0)" })
        .textContent = most ? shortened(words, most, (part) => measure(part, size, mono)) : words;
    },
    tile(sheet, sx, sy, side, x, y, width, height) {
      const cut = make("canvas", { width: side, height: side });
      cut.getContext("2d").drawImage(sheet, sx, sy, side, side, 0, 0, side, side);
      add("image", { x, y, width, height, href: cut.toDataURL(), preserveAspectRatio: "none" });
    },
    clip(x, y, width, height, draw) {
      const id = `clip${clips++}`, before = into;
      const shape = document.createElementNS(SVG, "clipPath");
      shape.id = id;
      into.append(shape);
      into = shape;
      add("rect", { x, y, width, height });
      into = before;
      into = add("g", { "clip-path": `url(#${id})` });
      draw();
      into = before;
    },
  };
}

// A text that fits a width, its end replaced by … where it does not.
function shortened(words, most, measure) {
  if (measure(words) <= most) return words;
  const letters = [...words];
  while (letters.length && measure(letters.join("") + "…") > most) letters.pop();
  return letters.join("") + "…";
}

// The host's colours and fonts as a canvas needs them: resolved, not as variables.
function lookOf(el) {
  const probe = make("span");
  probe.hidden = true;
  el.append(probe);
  const resolve = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const look = { font: getComputedStyle(el).fontFamily };
  for (const name of ["ink", "faint", "paper", "panel", "line", "accent"]) look[name] = resolve(name);
  for (const name of ["query", "key", "value", "prediction", "residual"]) look[name] = resolve(`llm-${name}`);
  probe.style.fontFamily = "var(--mono)";
  look.mono = getComputedStyle(probe).fontFamily;
  probe.remove();
  look.heads = [look.accent, look.key, look.value, look.prediction, "#E69F00", "#56B4E9", "#CC79A7"];
  return look;
}
