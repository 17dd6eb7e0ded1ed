"""The Attention widget in a browser: what it prints is what torch computed, and a learner's text stays text.

Screens are compared with those in `pictures/`; the language is read from the words.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect

from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tokenizer import Tokenizer, train_tokenizer
from llmlab.widgets import bertviz_view
from llmlab.widgets.attention import Viewer

from .conftest import App, same_picture, settled

TEXT = "<b>to be</b>, or not to be שלום"


@pytest.fixture(scope="module")
def opened() -> tuple[GPT, Tokenizer]:
    torch.manual_seed(0)
    tokenizer = train_tokenizer("char", TEXT + "<script>window.hacked=1</script>")
    config = GPTConfig(
        style="gpt2", vocab_size=tokenizer.vocab_size, context_length=40, n_layers=2, n_heads=4, d_model=32
    )
    model = GPT(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return model.eval(), tokenizer


def plain_attention(model: GPT, ids: list[int], layer: int, head: int) -> dict[str, torch.Tensor]:
    """One head of GPT-2 (Radford et al. 2019) written out, with nothing of ours but the numbers learned."""
    weights = {name: tensor.double() for name, tensor in model.state_dict().items()}

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    heads, seq = model.config.n_heads, len(ids)
    ahead = torch.ones(seq, seq).triu(1).bool()
    x = weights["token_embedding.weight"][ids] + weights["position_embedding.weight"][:seq]
    for i in range(layer + 1):
        block = f"blocks.{i}"
        normed = norm(x, f"{block}.attention_norm")
        parts = [linear(normed, f"{block}.attention.{part}") for part in ("query", "key", "value")]
        q, k, v = (part.unflatten(-1, (heads, -1)).transpose(0, 1) for part in parts)  # (head, seq, head_dim)
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        attention = scores.masked_fill(ahead, -torch.inf).softmax(-1)
        if i == layer:
            return {"weights": attention[head], "scores": scores[head], "q": q[head], "k": k[head]}
        x = x + linear((attention @ v).transpose(0, 1).flatten(1), f"{block}.attention.output")
        hidden = linear(norm(x, f"{block}.feed_forward_norm"), f"{block}.feed_forward.up")
        active = torch.nn.functional.gelu(hidden, approximate="tanh")
        x = x + linear(active, f"{block}.feed_forward.down")
    raise AssertionError("unreachable")


def show_file(page: Page, folder: Path, opened: tuple[GPT, Tokenizer], text: str = TEXT, **words: object) -> None:
    language = words.pop("language", "en")
    file = folder / "attention.html"
    ask = {"text": text, "layer": 1, "head": 2, **words}
    file.write_text(Viewer(*opened, title="random").file(ask, language), encoding="utf-8")
    page.goto(file.as_uri())
    page.wait_for_selector(".attention[data-drawn]")


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", text)]


def same_float32(shown: float, expected: float) -> None:
    """A printed decimal is a float32, that of a computation in double precision up to float32's own rounding."""
    assert float(np.format_float_positional(np.float32(shown), unique=True)) == pytest.approx(shown, rel=1e-12)
    assert shown == pytest.approx(expected, rel=2e-5, abs=2e-6)


def test_displayed_values_are_those_of_plain_torch(opened, page: Page, tmp_path: Path) -> None:
    model, tokenizer = opened
    ids = tokenizer.encode(TEXT)
    show_file(page, tmp_path, opened)
    for layer, head in ((1, 2), (0, 3)):  # the second from the file's second part
        page.locator(".bar select").nth(0).select_option(index=layer)
        page.locator(".bar select").nth(1).select_option(index=head)
        page.wait_for_selector(f".attention[data-drawn='lines {layer} {head} exact']")
        expected = plain_attention(model, ids, layer, head)
        picture = page.locator(".picture")
        picture.focus()
        picture.press("End")
        if page.locator(".tables").is_hidden():
            page.get_by_text("As a table").click()
        rows = [numbers(row.split("\t", 2)[2]) for row in page.locator(".tables tbody").inner_text().splitlines()]
        assert len(rows) == len(ids)
        for j, (weight, score) in enumerate(rows):
            same_float32(weight, float(expected["weights"][-1, j]))
            same_float32(score, float(expected["scores"][-1, j]))
        most = int(expected["weights"][-1].argmax())
        said = page.locator(".sentence").inner_text()
        assert f"{100 * float(expected['weights'][-1, most]):.0f}" in said

    page.locator(".view").nth(3).click()
    box = picture.bounding_box()
    assert box is not None
    found = None
    for x in range(200, int(box["width"]) - 150, 7):  # somewhere in the products of the second row that is drawn
        page.mouse.move(box["x"] + x, box["y"] + 48 + 21 + 10)
        text = page.locator(".tip").inner_text() if page.locator(".tip").is_visible() else ""
        if match := re.search(r"dimension (\d+): (\S+) × (\S+) = (\S+)", text):
            found = match
            break
    assert found
    dimension = int(found[1]) - 1
    begin = int(re.search(r"tokens (\d+)", page.locator(".large output").inner_text())[1])
    column = begin  # the second row, counted from 0
    q, k = float(expected["q"][-1, dimension]), float(expected["k"][column, dimension])
    for shown, value in zip(found.groups()[1:], (q, k, q * k), strict=True):
        same_float32(float(shown), value)
    assert float(found[4]) == float(np.float32(np.float32(found[2]) * np.float32(found[3]))) or np.float32(
        found[4]
    ) == np.float32(found[2]) * np.float32(found[3])


def test_a_learners_text_stays_text_and_the_picture_can_be_saved(opened, page: Page, tmp_path: Path) -> None:
    show_file(page, tmp_path, opened, "<script>window.hacked=1</script>", view="matrix")
    assert page.evaluate("window.hacked") is None
    page.get_by_text("As a table").click()
    expect(page.locator(".tables")).to_contain_text("<")
    page.locator(".more summary").click()
    for kind in ("SVG", "PNG"):
        with page.expect_download() as saving:
            page.get_by_role("button", name=kind).click()
        saved = tmp_path / saving.value.suggested_filename
        saving.value.save_as(saved)
        if kind == "SVG":
            drawn = saved.read_text(encoding="utf-8")
            assert "<script>" not in drawn
            assert drawn.count("<rect") > 200
            page.goto(saved.as_uri())
            assert page.evaluate("document.documentElement.nodeName") == "svg"
            page.go_back()
            page.locator(".more summary").click()
        else:
            assert Image.open(saved).size[0] > 800


@pytest.mark.parametrize("view", ["head", "model", "neuron"])
def test_bertviz_draws_with_the_network_cut(opened, page: Page, tmp_path: Path, view: str) -> None:
    viewer = Viewer(*opened)
    seen = viewer.seen(viewer.read("<script>window.hacked=1</script>"[:20]))
    file = tmp_path / "bertviz.html"
    file.write_text(bertviz_view.draw(view, seen, layer=1, head=2), encoding="utf-8")
    page.context.set_offline(True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_function("document.querySelectorAll('svg line').length > 100")
    assert asked == [file.as_uri()]
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("view", ["lines", "matrix"])
def test_pictures(opened, chromium, tmp_path: Path, view: str) -> None:
    """Both languages and both themes, beside the kept picture."""
    for language in ("en", "zh"):
        for theme in ("light", "dark"):
            context = chromium.new_context(viewport={"width": 900, "height": 640}, color_scheme=theme)
            page = context.new_page()
            show_file(page, tmp_path, opened, view=view, language=language)
            assert ("矩阵" in page.locator(".bar").inner_text()) == (language == "zh")
            name = f"attention-{view}-{language}-{theme}.png"
            page.screenshot(path=tmp_path / name)
            context.close()
            same_picture(tmp_path / name)


def test_the_page(app: App, page: Page) -> None:
    """Open, choose a head, edit the sentence, make a mistake and mend it; the address says where one is."""
    page.goto(app.url("attention", lang="en"))
    settled(page)
    root = page.locator(".attention")
    expect(root).to_have_attribute("data-drawn", re.compile("^lines .* exact$"))
    page.locator(".bar select").nth(0).select_option(index=3)
    expect(root).to_have_attribute("data-drawn", re.compile(r"^lines 3 \d+ exact$"))
    page.locator(".view").nth(1).click()
    page.wait_for_url(re.compile("layer=4.*view=matrix|view=matrix.*layer=4"))
    editor = page.locator(".attention textarea").first
    editor.fill("my own sentence")
    expect(page).to_have_url(re.compile("text=my"))
    expect(root).to_have_attribute("data-drawn", re.compile("^matrix 3 .* exact$"))
    editor.fill("")
    expect(page.locator(".attention .error")).to_contain_text("no text yet")
    expect(page.locator(".attention .picture")).to_be_hidden()
    editor.fill("and again")
    expect(page.locator(".attention .picture")).to_be_visible()
    settled(page)
    page.reload()
    settled(page)
    expect(root).to_have_attribute("data-drawn", re.compile("^matrix 3 .* exact$"))
    expect(editor).to_have_value("and again")
