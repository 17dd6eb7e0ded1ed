"""The button that turns light into dark and back, without a reload: the page keeps all that the reader did.

Streamlit has the choice in its menu and no call for it, so the button makes that choice in the menu for the reader. The
browser remembers it for the page that was opened first only; the button notes it for all pages.
"""

import streamlit as st

from llmlab.ui.language import say

_BUTTON = """
const tick = (f) => new Promise((done) => {
  const until = performance.now() + 1500;
  (function look() {
    const found = f();
    if (found || performance.now() > until) done(found); else requestAnimationFrame(look);
  })();
});
const menu = () => document.querySelector("[data-testid=stMainMenu] button, button[data-testid=stMainMenuButton]");
const item = (name) => document.querySelector(`[data-testid="stMainMenuItem-theme-${name}"]`);

async function choose(name, pages) {
  const home = location.pathname.replace(/[^/]*$/, "");
  for (const page of pages) localStorage.setItem(`stActiveTheme-${home}${page}-v2`, JSON.stringify(name));
  const hidden = document.head.appendChild(document.createElement("style"));
  hidden.textContent = "[data-testid=stMainMenuPopover], [data-testid=stMainMenuList] { opacity: 0 !important; }";
  const focused = document.activeElement;
  menu()?.click();
  const choice = await tick(() => item(name));
  choice?.click();
  await new Promise((done) => setTimeout(done, 50));
  if (item(name)) menu()?.click();
  await tick(() => !item(name));
  hidden.remove();
  focused?.focus?.();
  if (!choice) location.reload();  // another Streamlit: it reads the note when it loads
}

export default function (component) {
  const { parentElement, data } = component;
  let button = parentElement.querySelector("button");
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    parentElement.appendChild(button);
  }
  const dark = () => {
    const [r, g, b] = getComputedStyle(button).color.match(/[\\d.]+/g).map(Number);
    return 0.3 * r + 0.6 * g + 0.1 * b > 128;
  };
  const draw = () => {
    button.textContent = dark() ? "☀" : "☾";
    button.title = dark() ? data.light : data.dark;
    button.setAttribute("aria-label", button.title);
  };
  button.onclick = async () => { await choose(dark() ? "Light" : "Dark", data.pages); draw(); };
  draw();
}
"""
_STYLE = """
button {
  font: 1.15rem/1 var(--st-font, sans-serif); color: var(--st-text-color, inherit); background: none; cursor: pointer;
  border: 0; border-radius: var(--st-base-radius, 6px); padding: 0.35rem 0.5rem; min-width: 2.25rem;
}
button:hover { color: var(--st-primary-color, inherit); }
button:focus-visible { outline: 2px solid var(--st-primary-color, currentColor); }
"""


def switch(pages: list[str]) -> None:
    """The button; `pages` are the addresses for which the choice is remembered, "" being the first page."""
    mount = st.components.v2.component("llmlab_appearance", js=_BUTTON, css=_STYLE)
    told = {"light": say("ui_shell.to_light"), "dark": say("ui_shell.to_dark"), "pages": pages}
    mount(key="appearance", data=told, width="content", height="content")
