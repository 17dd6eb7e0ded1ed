// Saving the picture on show: the view is drawn once more, with a title above and its reading below.
const MARGIN = 16, TITLE = 30;

function savedPicture(view, scene, look, title, reading, pen) {
  const height = view.height(scene);
  pen.rect(0, 0, scene.width + 2 * MARGIN, height + 2 * MARGIN + 2 * TITLE, look.paper);
  pen.text(title, MARGIN, MARGIN + 8, { bold: true, size: 14, most: scene.width });
  return { width: scene.width + 2 * MARGIN, height: height + 2 * MARGIN + 2 * TITLE, reading: MARGIN + TITLE + height + 16 };
}

function saveSvg(view, scene, look, title, reading, name) {
  const root = document.createElementNS(SVG, "svg");
  const pen = svgPen(root, look, scene.measure);
  const size = savedPicture(view, scene, look, title, reading, pen);
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("transform", `translate(${MARGIN} ${MARGIN + TITLE})`);
  root.append(group);
  view.draw(svgPen(group, look, scene.measure), scene);
  pen.text(reading, MARGIN, size.reading, { size: 13, most: scene.width });
  for (const [key, value] of Object.entries({ width: size.width, height: size.height, viewBox: `0 0 ${size.width} ${size.height}` })) root.setAttribute(key, value);
  download(new Blob([new XMLSerializer().serializeToString(root)], { type: "image/svg+xml" }), `${name}.svg`);
}

function savePng(view, scene, look, title, reading, name) {
  const scale = 2, canvas = make("canvas"), height = view.height(scene) + 2 * MARGIN + 2 * TITLE;
  canvas.width = (scene.width + 2 * MARGIN) * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d"), pen = canvasPen(context, look);
  context.scale(scale, scale);
  const size = savedPicture(view, scene, look, title, reading, pen);
  pen.text(reading, MARGIN, size.reading, { size: 13, most: scene.width });
  context.translate(MARGIN, MARGIN + TITLE);
  view.draw(pen, scene);
  canvas.toBlob((blob) => download(blob, `${name}.png`));
}

function download(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
