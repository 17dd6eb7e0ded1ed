// A map of vectors: points that can be searched, coloured and moved through, with the true neighbours of a point beside
// where the picture put them. Asks `ask` for what needs the vectors; panning, hovering and the transitions stay in here.

const MOVE = 650, POLL = 450, NEIGHBOURS = 8;

function render({ model, el }) {
  let cloud = null, attributes = [], pictures = {}, order = [];
  let shown = null, target = null, origin = null, moveStart = 0; // places x, y, z of each point
  let selected = -1, hovered = -1, frame = 0, method = "pca", dims = 2, colourBy = "", mode = "map", tableOpen = false;
  let asked = 0, receiving = "", polling = 0, raf = 0, screen = null, exported = null, playing = 0;
  const eye = camera(), say = () => model.get("labels");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const live = () => model.get("live") !== false;

  // ---- the frame of the page
  const button = (className, action) => make("button", { type: "button", className, onclick: action });
  const group = (values, choose) => {
    const box = make("div", { className: "group", role: "group" });
    const buttons = Object.fromEntries(values.map((v) => [v, box.appendChild(button("", () => choose(v)))]));
    return { box, buttons };
  };
  const methods = group(["pca", "tsne", "umap"], (v) => show(v, dims));
  const sizes = group(["2", "3"], (v) => show(method, Number(v)));
  const colours = make("select", { onchange: () => { colourBy = colours.value; recolour(); remember(); } });
  const colourLabel = make("label", { className: "pick" });
  const search = make("input", { type: "search", className: "search", spellcheck: false, autocomplete: "off" });
  const hits = make("div", { className: "hits", role: "listbox", hidden: true });
  const canvas = make("canvas", { tabIndex: 0 });
  canvas.setAttribute("role", "application");
  const tip = make("div", { className: "tip", hidden: true });
  const doing = make("div", { className: "doing", hidden: true, role: "status" });
  const stage = make("div", { className: "stage" }, canvas, tip, doing);
  const matrixPlace = make("div", { className: "matrix-place", hidden: true });
  const legend = make("div", { className: "legend" });
  const slider = make("input", { type: "range", min: 0, step: 1, value: 0 });
  const sliderName = make("span", { className: "frame-name" });
  const play = button("", () => (playing ? halt() : start()));
  const sliderRow = make("div", { className: "frames", hidden: true }, play, slider, sliderName);
  const loss = make("p", { className: "loss" });
  const aside = make("aside", { className: "side" });
  const told = make("p", { className: "error", hidden: true, role: "alert" });
  const table = make("div", { className: "points-table", hidden: true, tabIndex: 0 });
  const tools = Object.fromEntries(Object.entries({
    matrix: () => { mode = mode === "map" ? "matrix" : "map"; ask(); relabel(); draw(); },
    fit: () => { eye.fit(); draw(); }, closer: () => { eye.zoomAt(1.4, 0, 0); draw(); }, further: () => { eye.zoomAt(1 / 1.4, 0, 0); draw(); },
    table: () => { tableOpen = !tableOpen; drawTable(); relabel(); }, png: savePng, svg: saveSvg,
  }).map(([name, action]) => [name, button("quiet", action)]));
  for (const [name, node] of Object.entries(tools)) node.dataset.tool = name;
  el.append(make("div", { className: "em" },
    make("div", { className: "bar" }, methods.box, sizes.box, colourLabel, make("div", { className: "finder" }, search, hits)),
    told, make("div", { className: "both" },
      make("div", { className: "left" }, stage, matrixPlace, legend, sliderRow, loss, make("div", { className: "tools" }, ...Object.values(tools))),
      aside), table));

  // ---- what arrives
  async function receiveCloud() {
    const given = model.get("cloud");
    if (!given || given.key !== model.get("cloud_key")) { if (live() && model.get("cloud_key")) ask(); return; }
    if (cloud?.key === given.key || receiving === given.key) return;
    receiving = given.key;
    const found = await Promise.all(given.attributes.map(async (a) => ({ ...a, values: await unpack(a.values) })));
    const [similarities, near, cosines] = await Promise.all(["similarities", "nearest", "cosines"].map((k) => (given[k] ? unpack(given[k]) : null)));
    cloud = { ...given, similarities, near, cosines, n: given.names.length };
    attributes = found; pictures = {}; shown = target = origin = null; hovered = -1;
    clearTimeout(polling); halt();
    const counts = found.find((a) => a.name === "frequency")?.values;
    order = [...cloud.names.keys()];
    if (counts) order.sort((a, b) => counts[b] - counts[a]);
    const view = model.get("view") || {};
    const wanted = view.word ? cloud.names.indexOf(view.word) : -1;
    selected = wanted >= 0 ? wanted : cloud.first ?? 0;
    frame = Math.min(Math.max(0, Number(view.frame ?? cloud.frames.length - 1)), cloud.frames.length - 1);
    colourBy = found.some((a) => a.name === view.colour) ? view.colour : found[0]?.name ?? "";
    if (["pca", "tsne", "umap"].includes(view.method)) method = view.method;
    dims = Number(view.dims) === 3 ? 3 : 2;
    if (view.mode === "matrix") mode = "matrix";
    slider.max = String(cloud.frames.length - 1); slider.value = String(frame);
    sliderRow.hidden = cloud.frames.length < 2;
    stage.classList.toggle("framed", cloud.frames.length > 1);
    eye.fit();
    recolour(); relabel();
    await receivePictures();
    if (!pictures[method + dims]) show(method, dims); else ask();
  }
  async function receivePictures() {
    const given = model.get("pictures");
    if (!cloud || !given || given.cloud !== cloud.key) return;
    let awaited = false;
    for (const [name, p] of Object.entries(given.found)) {
      if (pictures[name]) continue;
      awaited ||= name === method + dims;
      const places = await unpack(p.places);
      pictures[name] = { ...p, places, dims: places.shape[2], scale: scaleOf(places, places.shape[2]) };
    }
    relabel(); go();
    return awaited;
  }
  async function receiveAnswer() {
    const answer = model.get("answer");
    if (!answer || !cloud || answer.cloud !== cloud.key) return;
    told.hidden = !answer.error; told.textContent = answer.error || "";
    const job = answer.job;
    if (job && job.name === method + dims && job.state !== "done") {
      const running = job.state === "running" || job.state === "waiting";
      doing.hidden = !running;
      if (running) {
        const left = job.seconds_left == null ? "" : " · " + fill(say().left, { s: Math.max(1, Math.round(job.seconds_left)) });
        doing.replaceChildren(make("progress", { max: 1, value: job.share }), make("span", { text: fill(say()[job.state], { method: say()[method], percent: Math.round(100 * job.share) }) + left }),
          make("button", { type: "button", text: say().stop, onclick: () => ask({ stop: job.name }) }));
        if (job.places) {
          const places = await unpack(job.places), d = places.shape[2];
          if (job.name === method + dims && !pictures[job.name]) moveTo(normalised(places, d, frame, cloud.n, scaleOf(places, d)), 300);
        }
        clearTimeout(polling);
        polling = setTimeout(() => ask({ project: job.name }), POLL);
      } else if (job.error) { told.hidden = false; told.textContent = job.error; }
      else if (job.state === "stopped") { told.hidden = false; told.textContent = say().stopped; }
    } else doing.hidden = true;
    if (answer.found) searched.arrived(answer.found);
    drawSide(); drawMatrix(); draw();
  }

  // ---- what is asked
  const near = () => (selected >= 0 && target ? nearestDrawn(target, selected, counted()) : []);
  // With few points, half of them: if all were counted, no picture could put one elsewhere.
  const counted = () => Math.max(1, Math.min(NEIGHBOURS, Math.floor((cloud.n - 1) / 2)));
  const view = () => ({ method, dims, colour: colourBy, frame, word: selected >= 0 ? cloud?.names[selected] : "", mode });
  function ask(extra = {}) {
    if (!live()) { drawSide(); drawMatrix(); return; }
    asked = asked ? asked + 1 : Date.now() % 1e9;
    const wants = !pictures[method + dims] && cloud ? { project: method + dims } : {};
    model.set("ask", { nonce: asked, have: cloud?.key ?? null, pictures: Object.keys(pictures), select: selected, frame, near: near(),
      matrix: mode === "matrix" && !cloud?.similarities, view: view(), ...wants, ...extra });
    model.save_changes();
  }
  let remembering = 0;
  const remember = () => { clearTimeout(remembering); remembering = setTimeout(() => cloud && ask(), 250); };

  // ---- moving between pictures and frames
  function show(wanted, size) {
    method = wanted; dims = size; told.hidden = true; doing.hidden = true;
    clearTimeout(polling);
    if (pictures[method + dims]) { go(); ask(); }
    else if (live()) ask({ project: method + dims, start: true });
    else { told.hidden = false; told.textContent = say().not_saved; }
    relabel();
  }
  function go(time = MOVE) {
    const picture = pictures[method + dims];
    if (!picture || !cloud) return;
    moveTo(normalised(picture.places, picture.dims, frame, cloud.n, picture.scale), time);
    doing.hidden = true;
    drawLoss(); drawSide();
  }
  function moveTo(places, time) {
    target = places;
    if (!shown || still.matches || time === 0) { shown = places.slice(); origin = null; }
    else { origin = shown.slice(); moveStart = performance.now(); origin.time = time; }
    draw();
  }
  function toFrame(to, time = MOVE / 2) {
    frame = Math.max(0, Math.min(to, cloud.frames.length - 1)); slider.value = String(frame);
    nameFrame(); go(time); drawMatrix(); remember();
  }
  function start() {
    if (frame === cloud.frames.length - 1) toFrame(0);
    playing = setInterval(() => { if (frame >= cloud.frames.length - 1) halt(); else toFrame(frame + 1, 700); }, 900);
    relabel();
  }
  function halt() { clearInterval(playing); playing = 0; play.textContent = say()?.play ?? ""; }

  // ---- drawing
  let looks = { colour: [], shape: [], swatches: [] };
  function recolour() {
    if (!cloud) return;
    looks = looksOf({ el, probe: stage, attribute: attributes.find((a) => a.name === colourBy), n: cloud.n, say: say() });
    legend.replaceChildren(...legendEntries(looks.swatches));
    draw();
  }
  const draw = () => { raf ||= requestAnimationFrame(paint); };
  const radius = () => { const n = cloud.n; return (n > 8000 ? 2.2 : n > 1500 ? 3 : n > 300 ? 4 : 5.5) * Math.min(1.9, Math.max(1, eye.zoom ** 0.25)); };

  function paint() {
    raf = 0;
    if (!cloud || !shown) return;
    if (origin) {
      const t = Math.min(1, (performance.now() - moveStart) / origin.time), e = t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2;
      for (let i = 0; i < shown.length; i++) shown[i] = origin[i] + (target[i] - origin[i]) * e;
      if (t < 1) draw(); else origin = null;
    }
    const ratio = Math.min(2, devicePixelRatio || 1), width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) { canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio); }
    eye.unit = Math.min(width, height) * 0.43;
    screen = eye.project(shown, screen?.length === shown.length ? screen : new Float32Array(shown.length), width, height, dims === 3);
    const context = canvas.getContext("2d");
    const image = paint.image?.width === canvas.width && paint.image.height === canvas.height ? paint.image : (paint.image = context.createImageData(canvas.width, canvas.height));
    const pixels = new Uint32Array(image.data.buffer);
    pixels.fill(0xff000000 | looks.paper);
    const near3 = [...Array(6).keys()].map((k) => (dims === 3 ? 0.7 + 0.12 * k : 1) * radius() * ratio);
    const strength = cloud.n > 3000 ? 200 : 235;
    for (const i of byDepth()) {
      const depth = dims === 3 ? Math.max(0, Math.min(5, Math.floor((screen[3 * i + 2] + 1) * 3))) : 3;
      const colour = dims === 3 ? between(looks.paper, looks.colour[i], 0.45 + 0.11 * depth) : looks.colour[i];
      splat(pixels, image.width, image.height, screen[3 * i] * ratio, screen[3 * i + 1] * ratio, mask(SHAPES[looks.shape[i]], Math.round(near3[depth] * 2) / 2), colour, strength);
    }
    context.putImageData(image, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    overlay(context, width, height);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }
  let drawOrder = new Uint32Array(0);
  function byDepth() {
    if (drawOrder.length !== cloud.n) drawOrder = Uint32Array.from(order).reverse();
    return dims === 3 ? backToFront(drawOrder, screen) : drawOrder;
  }
  const place = (i) => [screen[3 * i], screen[3 * i + 1]];
  function overlay(context, width, height) {
    const lines = [], truth = truly(), close = new Set(near());
    if (truth) for (const [k, i] of truth.ids.entries()) {
      const kept = close.has(i);
      lines.push({ points: [place(selected), place(i)], colour: kept ? looks.hue[2] : looks.hue[1], width: 1 + 1.6 * Math.max(0, truth.cosines[k]), dash: kept ? "" : "5 4", opacity: 0.85 });
    }
    for (const i of new Set([selected, hovered])) if (i >= 0 && cloud.frames.length > 1) lines.push(trail(i, width, height));
    for (const line of lines) {
      context.beginPath(); context.setLineDash(line.dash ? line.dash.split(" ").map(Number) : []);
      context.strokeStyle = line.colour; context.lineWidth = line.width; context.globalAlpha = line.opacity;
      line.points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y))); context.stroke();
      if (line.dots) for (const [x, y] of line.points) { context.setLineDash([]); context.fillStyle = line.colour; context.beginPath(); context.arc(x, y, 2, 0, 7); context.fill(); }
    }
    context.globalAlpha = 1; context.setLineDash([]);
    const size = 12, wanted = [...new Set([hovered, selected, ...(truth?.ids ?? [])])].filter((i) => i >= 0);
    for (const i of [selected, hovered]) if (i >= 0) {
      context.beginPath(); context.arc(...place(i), radius() + 3.5, 0, 7); context.lineWidth = 2; context.strokeStyle = looks.ink; context.stroke();
    }
    context.font = `${size}px ${looks.font}`; context.textBaseline = "middle"; context.lineJoin = "round";
    const labels = placeLabels(context, { at: screen, names: cloud.names, wanted, order, width, height: height - 20, size });
    for (const label of labels) {
      context.font = `${label.forced ? 600 : 400} ${size}px ${looks.font}`;
      context.lineWidth = 3.5; context.strokeStyle = looks.paperCss; context.strokeText(label.text, label.x, label.y);
      context.fillStyle = looks.ink; context.globalAlpha = label.forced ? 1 : 0.82; context.fillText(label.text, label.x, label.y); context.globalAlpha = 1;
    }
    context.font = `11px ${looks.font}`; context.fillStyle = looks.ink; context.globalAlpha = 0.75;
    const caption = axes();
    context.lineWidth = 3; context.strokeStyle = looks.paperCss; context.strokeText(caption, 8, height - 10); context.fillText(caption, 8, height - 10);
    context.globalAlpha = 1;
    canvas.dataset.points = String(cloud.n); // it has been painted
    exported = { width, height, lines, labels: labels.map((l) => ({ ...l, size, colour: looks.ink })), caption };
  }
  function trail(i) {
    const picture = pictures[method + dims];
    if (!picture) return { points: [], colour: looks.grey, width: 1, opacity: 0 };
    const points = cloud.frames.map((_, f) => {
      const at = [0, 1, 2].map((d) => (d < picture.dims ? (picture.places[(f * cloud.n + i) * picture.dims + d] - picture.scale.middle[d]) / picture.scale.reach : 0));
      const out = eye.project(at, new Float32Array(3), canvas.clientWidth, canvas.clientHeight, dims === 3);
      return [out[0], out[1]];
    });
    return { points, colour: looks.hue[3], width: i === selected ? 1.8 : 1.1, opacity: 0.75, dots: true };
  }
  function axes() {
    const picture = pictures[method + dims];
    if (method !== "pca" || !picture?.explained) return say()["axes_" + method] ?? "";
    return fill(say()["axes_pca" + dims], Object.fromEntries(picture.explained.map((v, i) => ["p" + (i + 1), (100 * v).toFixed(1)])));
  }

  // ---- words around the picture
  // The true neighbours of the selected point in this frame: from the page's answer, else from the saved table.
  function truly() {
    if (selected < 0 || !cloud) return null;
    const answer = model.get("answer")?.selected;
    if (answer && model.get("answer").cloud === cloud.key && answer.index === selected && answer.frame === frame) return { ...answer, ids: answer.ids.slice(0, counted()), cosines: answer.cosines.slice(0, counted()) };
    if (!cloud.near) return null;
    const from = (frame * cloud.n + selected) * cloud.near.shape[2], to = from + counted();
    return { ids: [...cloud.near.slice(from, to)], cosines: [...cloud.cosines.slice(from, to)], near: [], near_cosines: [] };
  }
  const cosineOf = (i, truth) => {
    const known = truth.near.indexOf(i) >= 0 ? truth.near_cosines[truth.near.indexOf(i)] : truth.ids.indexOf(i) >= 0 ? truth.cosines[truth.ids.indexOf(i)] : undefined;
    return known ?? cloud.similarities?.[(frame * cloud.n + selected) * cloud.n + i];
  };
  const row = (i, cosine, good, title) => neighbourRow(cloud.names[i], cosine, good, title, {
    onclick: () => select(i), onpointerenter: () => { hovered = i; draw(); }, onpointerleave: () => { hovered = -1; draw(); } });
  function drawSide() {
    if (!cloud) return;
    if (selected < 0) { aside.replaceChildren(make("p", { className: "hint", text: say().hint })); return; }
    const truth = truly();
    aside.replaceChildren(...sideParts({ say: say(), cloud, attributes, selected, truth, close: near(), cosineOf: (i) => cosineOf(i, truth), row }));
  }
  function drawLoss() {
    const p = pictures[method + dims], at = Math.min(frame, (p?.kept.length ?? 0) - 1);
    if (!p || at < 0) { loss.textContent = ""; return; }
    const values = { method: say()[method], dims, k: p.k, kept: (100 * p.kept[at]).toFixed(0), trust: p.trustworthiness[at].toFixed(2), width: cloud.width, n: p.measured };
    loss.replaceChildren(make("span", { text: fill(say().loss, values), title: fill(p.measured < cloud.n ? say().loss_help_some : say().loss_help, values), "data-help": "" }));
    if (cloud.similarities) loss.append(" ", make("span", { className: "mean", text: fill(say().mean_similarity, { x: meanOf(rowsOf(cloud.similarities, frame, cloud.n)).toFixed(3) }) }));
    if (cloud.of) loss.append(" ", make("span", { className: "note", text: fill(say().shown_of, { n: cloud.n.toLocaleString(), all: cloud.of.toLocaleString() }) }));
  }
  function drawMatrix() {
    matrixPlace.hidden = mode !== "matrix"; stage.hidden = legend.hidden = loss.hidden = mode === "matrix";
    if (mode !== "matrix" || !cloud) return;
    let ids, values;
    if (cloud.similarities) {
      ids = [...cloud.names.keys()]; values = rowsOf(cloud.similarities, frame, cloud.n);
    } else ({ ids, values } = model.get("answer")?.selected?.matrix ?? {});
    if (!ids) { matrixPlace.replaceChildren(make("p", { className: "note", text: live() ? say().matrix_wait : say().matrix_not_saved })); return; }
    matrixPlace.replaceChildren(matrixTable(ids.map((i) => cloud.names[i]), values, { say: say(), chosen: ids.indexOf(selected), choose: (k) => select(ids[k]) }));
  }
  function drawTable() {
    table.hidden = !tableOpen;
    if (!tableOpen || !cloud || !target) return;
    const rows = [selected, ...order.filter((i) => i !== selected)].filter((i) => i >= 0).slice(0, 300);
    table.replaceChildren(...pointsTable({ say: say(), cloud, attributes, rows, dims, places: target }));
  }
  function nameFrame() {
    const at = cloud.frames[frame];
    sliderName.textContent = cloud.frame_kind === "step" ? fill(say().step, { n: at.toLocaleString() }) : at === 0 ? say().layer_static : fill(say().layer, { n: at, all: cloud.frames.at(-1) });
    slider.setAttribute("aria-valuetext", sliderName.textContent);
  }
  function relabel() {
    const w = say();
    for (const [name, node] of Object.entries(methods.buttons)) { node.textContent = w[name]; node.title = w[name + "_help"]; node.setAttribute("aria-pressed", String(name === method)); node.disabled = !live() && !pictures[name + dims]; }
    for (const [name, node] of Object.entries(sizes.buttons)) { node.textContent = w["dims" + name]; node.setAttribute("aria-pressed", String(Number(name) === dims)); node.disabled = !live() && !pictures[method + name]; }
    methods.box.setAttribute("aria-label", w.methods); sizes.box.setAttribute("aria-label", w.sizes);
    colourLabel.replaceChildren(w.colour + " ", colours);
    colours.replaceChildren(...attributes.map((a) => make("option", { value: a.name, text: w["by_" + a.name], selected: a.name === colourBy })));
    search.placeholder = w.search; search.setAttribute("aria-label", w.search);
    for (const [name, node] of Object.entries(tools)) node.textContent = w["tool_" + name];
    tools.matrix.textContent = mode === "matrix" ? w.tool_map : w.tool_matrix;
    tools.table.setAttribute("aria-pressed", String(tableOpen));
    for (const name of ["fit", "closer", "further", "png", "svg"]) tools[name].hidden = mode === "matrix";
    tools.closer.setAttribute("aria-label", w.closer); tools.further.setAttribute("aria-label", w.further);
    play.textContent = playing ? w.pause : w.play;
    slider.setAttribute("aria-label", w.frames);
    canvas.setAttribute("aria-label", w.keys);
    if (cloud) { nameFrame(); drawLoss(); drawSide(); drawMatrix(); drawTable(); }
  }

  // ---- what the reader does
  function select(i, move = false) {
    selected = i; hovered = -1; tip.hidden = true;
    if (i >= 0 && target && move) {
      const [x, y] = screen ? place(i) : [0, 0];
      if (x < 30 || y < 30 || x > canvas.clientWidth - 30 || y > canvas.clientHeight - 30) eye.centreOn(target[3 * i], target[3 * i + 1], target[3 * i + 2], dims === 3);
    }
    drawSide(); drawMatrix(); draw(); ask(); drawTable();
  }
  function pick(x, y, reach) {
    let best = -1, least = reach * reach;
    if (screen) for (let i = 0; i < cloud.n; i++) {
      const d = (screen[3 * i] - x) ** 2 + (screen[3 * i + 1] - y) ** 2 - (dims === 3 ? screen[3 * i + 2] * 20 : 0);
      if (d < least) { least = d; best = i; }
    }
    return best;
  }
  function hover(i, x, y) {
    if (i !== hovered) { hovered = i; draw(); }
    tip.hidden = i < 0;
    if (i < 0) return;
    const a = attributes.find((v) => v.name === colourBy);
    tip.replaceChildren(make("b", { text: cloud.names[i] }), a ? " " + factOf(say(), a, i) : "");
    tip.style.left = `${Math.min(x + 14, canvas.clientWidth - 150)}px`; tip.style.top = `${y + 14}px`;
  }
  function step(arrow) {
    const to = selected < 0 ? order[0] : towards(screen, selected, arrow);
    if (to >= 0) select(to, true);
  }
  const byFrame = (change) => () => { if (cloud.frames.length > 1) toFrame(frame + change); };
  hands(canvas, { eye, draw, pick, hover, choose: select, deep: () => dims === 3, focused: () => el.getRootNode().activeElement === canvas,
    keys: { step, "[": byFrame(-1), "]": byFrame(1), "/": () => search.focus(), Escape: () => { selected = -1; drawSide(); } } });
  const searched = finder(search, hits, { names: () => cloud?.names ?? [], order: () => order, say, choose: (i) => select(i, true),
    look: (word, now) => { const more = live() && !!cloud && !cloud.whole; if (more && now) ask({ find: word }); return more; },
    add: (token, name) => ask({ add: token, view: { ...view(), word: name } }) });
  slider.addEventListener("input", () => { halt(); toFrame(Number(slider.value), 300); });

  // ---- files
  const fileName = (kind) => `embedding-map-${method}.${kind}`;
  function savePng() { paint(); download(fileName("png"), canvas.toDataURL("image/png")); }
  function saveSvg() {
    paint();
    const marks = [...byDepth()].map((i) => ({ shape: SHAPES[looks.shape[i]], x: screen[3 * i], y: screen[3 * i + 1], r: radius(), colour: css(looks.colour[i]), opacity: 0.85 }))
      .filter((m) => m.x > -9 && m.y > -9 && m.x < exported.width + 9 && m.y < exported.height + 9);
    const text = svgOf({ ...exported, paper: looks.paperCss, marks, font: looks.font.replace(/"/g, "'") });
    download(fileName("svg"), URL.createObjectURL(new Blob([text], { type: "image/svg+xml" })));
  }

  // ---- life
  const forgetTheme = onTheme(model, recolour);
  const resize = new ResizeObserver(draw);
  resize.observe(stage);
  model.on("change:cloud", receiveCloud);
  model.on("change:cloud_key", receiveCloud);
  model.on("change:pictures", async () => { if (await receivePictures()) ask(); }); // its neighbours in the new picture
  model.on("change:answer", receiveAnswer);
  model.on("change:labels", () => { relabel(); recolour(); });
  relabel();
  receiveCloud();
  return () => { cancelAnimationFrame(raf); clearTimeout(polling); clearTimeout(remembering); halt(); resize.disconnect(); forgetTheme(); };
}
export default { render };
