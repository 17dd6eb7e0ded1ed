// Prose of the course: terms that explain themselves, words that act, formulas to point at, questions to commit to.
// The HTML is the course's own (llmlab/course/prose.py), never a learner's.

export default {
  render({ model, el }) {
    const root = make("div", { className: "course-text" });
    const bubble = make("div", { className: "bubble", role: "tooltip", hidden: true });
    el.append(root, bubble);
    let nonce = 0;
    const ask = (what) => {
      model.set("ask", { ...what, nonce: `${Date.now()}-${nonce++}` });
      model.save_changes();
    };

    const explain = (anchor, title, html) => {
      bubble.replaceChildren();
      if (title) bubble.append(make("strong", { text: title }));
      const words = make("span");
      markup(words, html);
      bubble.append(words);
      bubble.hidden = false;
      const at = anchor.getBoundingClientRect(), box = root.getBoundingClientRect();
      bubble.style.maxWidth = `${Math.min(360, box.width)}px`;
      const left = Math.max(0, Math.min(at.left - box.left, box.width - bubble.offsetWidth));
      bubble.style.left = `${left}px`;
      const above = at.top - bubble.offsetHeight - 6;  // what explains a symbol shall not lie over the legend below it
      bubble.style.top = `${(title || above < 80 ? at.bottom + 6 : above) - box.top}px`;
    };
    const hush = () => { bubble.hidden = true; };

    const formula = (item) => {
      const box = make("figure", { className: "formula" });
      const drawn = make("div", { className: "drawn" });
      markup(drawn, item.mathml);
      const legend = make("ul", { className: "legend" });
      const rows = item.symbols.map((symbol) => {
        const row = make("li", {});
        markup(row, `${symbol.mathml} <span>${symbol.words}</span>`);
        row.style.setProperty("--symbol", symbol.colour);
        legend.append(row);
        return row;
      });
      const point = (n) => {
        drawn.querySelectorAll(".symbol").forEach((s) => s.classList.toggle("on", +s.dataset.symbol === n));
        rows.forEach((row, index) => row.classList.toggle("on", index === n));
      };
      drawn.querySelectorAll(".symbol").forEach((symbol) => {
        const n = +symbol.dataset.symbol;
        symbol.style.setProperty("--symbol", item.symbols[n].colour);
        const show = () => { point(n); explain(symbol, "", item.symbols[n].words); };
        symbol.addEventListener("pointerenter", show);
        symbol.addEventListener("focus", show);
        const leave = () => { point(-1); hush(); };
        symbol.addEventListener("pointerleave", leave);
        symbol.addEventListener("blur", leave);
      });
      rows.forEach((row, n) => {
        row.addEventListener("pointerenter", () => point(n));
        row.addEventListener("pointerleave", () => point(-1));
      });
      fadingEdges(drawn);
      box.append(drawn, legend);
      return box;
    };

    const predict = (item) => {
      const words = model.get("labels");
      const box = make("section", { className: "predict" });
      box.append(make("div", { className: "kicker", text: words.predict }));
      const question = make("div", { className: "question" });
      markup(question, item.question);
      const options = make("div", { className: "options", role: "radiogroup" });
      item.options.forEach((option, n) => {
        const made = item.chosen !== null;
        const button = make("button", { type: "button", role: "radio", "aria-checked": String(item.chosen === n) });
        markup(button, option.html);
        if (made) {
          button.disabled = true;
          if (option.right) button.append(make("span", { className: "mark", text: ` ✓ ${words.so}` }));
          if (item.chosen === n && !option.right) button.append(make("span", { className: "mark", text: ` ${words.guess}` }));
          button.classList.toggle("right", !!option.right);
          button.classList.toggle("mine", item.chosen === n);
        } else button.addEventListener("click", () => ask({ predict: item.name, choice: n }));
        options.append(button);
      });
      box.append(question, options);
      if (item.answer) {
        const answer = make("div", { className: "answer", "aria-live": "polite" });
        markup(answer, item.answer);
        box.append(answer);
      } else if (item.chosen !== null && item.hidden) box.append(make("p", { className: "note", text: words.hidden }));
      else if (item.chosen === null) box.append(make("p", { className: "note", text: words.commit }));
      return box;
    };

    const draw = () => {
      hush();
      root.replaceChildren(...model.get("items").map((item) => {
        if (item.kind === "formula") return formula(item);
        if (item.kind === "predict") return predict(item);
        const piece = make("div", { className: item.kind === "diagram" ? "diagram" : "prose" });
        markup(piece, item.html);
        [...(item.kind === "diagram" ? [piece] : piece.querySelectorAll("table, pre"))].forEach(fadingEdges);
        return piece;
      }));
    };

    const term = (target) => {
      const found = model.get("terms")[target.dataset.term];
      if (found) explain(target, found.words, found.html);
    };
    root.addEventListener("pointerover", (event) => {
      const target = event.target.closest(".term");
      if (target) term(target);
    });
    root.addEventListener("pointerout", (event) => { if (event.target.closest(".term")) hush(); });
    root.addEventListener("focusin", (event) => { if (event.target.closest(".term")) term(event.target.closest(".term")); });
    root.addEventListener("focusout", (event) => { if (event.target.closest(".term")) hush(); });
    root.addEventListener("click", (event) => {
      const act = event.target.closest(".act"), go = event.target.closest("a.go"), word = event.target.closest(".term");
      if (word) term(word);
      if (act) ask({ lab: act.dataset.lab });
      if (go && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
        event.preventDefault();
        ask({ go: go.dataset.go });
      }
    });
    root.addEventListener("keydown", (event) => { if (event.key === "Escape") hush(); });
    model.on("change:items", draw);
    draw();
    return () => root.remove();
  },
};
