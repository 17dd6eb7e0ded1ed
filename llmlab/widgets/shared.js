// What every widget's module begins with: a module loads no other, so this is put in front of each (__init__.py).

// An element with properties or attributes; a learner's text goes in as `text`, never as markup.
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (name in node && name !== "list" && name !== "role") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// Markup that this project wrote (prose of the course, MathML of its formulas) into a node: never a learner's text.
const markup = (node, html) => { node.innerHTML = html; };

// A button that opens and closes a table; `draw` fills it.
function tableBehind(button, table, draw) {
  button.onclick = () => {
    table.hidden = !table.hidden;
    button.setAttribute("aria-expanded", String(!table.hidden));
    if (!table.hidden) draw();
  };
}

// `paint` anew when the host's theme changes or the system's; the answer ends that.
function onTheme(model, paint) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", paint);
  model.on("change:theme", paint);
  return () => system.removeEventListener("change", paint);
}

// A box that scrolls sideways fades at the edge behind which there is more. Returns what looks again after a change.
function fadingEdges(box) {
  const look = () => {
    const rest = box.scrollWidth - box.clientWidth - box.scrollLeft;
    box.classList.toggle("more-before", box.scrollLeft > 2);
    box.classList.toggle("more-after", rest > 2);
  };
  box.classList.add("fading");
  box.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(box);
  return look;
}

// A phrase with its {placeholders} filled.
const fill = (phrase, values) => phrase.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// An array packed by payload.py, as a typed array with its `shape`.
const ARRAYS = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, u4: Uint32Array, i4: Int32Array, f4: Float32Array, f8: Float64Array };
async function unpack({ dtype, shape, deflated, data }) {
  const letters = atob(data);
  let bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  if (deflated) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  }
  return Object.assign(new ARRAYS[dtype](bytes.buffer), { shape });
}
