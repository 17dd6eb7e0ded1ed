"""The Embeddings page in a browser: what is displayed is what plain torch computes; search, keys, layers, files.

Screens are compared with those in `pictures/`; the language is read from the words.
"""

import re

import torch
from playwright.sync_api import expect

from llmlab import hub
from llmlab.lens.points import Points, categories
from llmlab.widgets import embedding_map

from .conftest import App, same_picture, settled


def displayed(page) -> tuple[str, list[tuple[str, float]]]:
    """The selected point's name, and its neighbours as they are listed."""
    rows = page.locator(".em ol.truly li").all()
    listed = [(row.locator(".name").inner_text(), float(row.locator(".cosine").inner_text())) for row in rows]
    return page.locator(".em .side h3").inner_text(), listed


def expected(model, tokenizer, name: str) -> list[tuple[str, float]]:
    names = tokenizer.token_texts(range(tokenizer.vocab_size))
    table = model.token_embedding.weight.detach()
    cosines = torch.nn.functional.cosine_similarity(table, table[names.index(name)][None])
    cosines[names.index(name)] = -2
    best = cosines.topk(8)
    return [(names[i], round(float(c), 3)) for i, c in zip(best.indices, best.values, strict=True)]


def test_a_journey_through_the_map(app: App, page) -> None:
    model, tokenizer = hub.load("shakespeare-gpt")
    page.goto(app.url("embeddings", lang="en"))
    settled(page)
    expect(page.locator(".em ol.truly li")).to_have_count(8)
    name, listed = displayed(page)
    assert listed == expected(model, tokenizer, name)

    page.locator(".em .search").fill("q")
    page.keyboard.press("Enter")
    expect(page.locator(".em .side h3")).to_have_text("q")
    expect(page.locator(".em ol.truly .cosine").first).to_have_text(f"{expected(model, tokenizer, 'q')[0][1]:.3f}")
    assert displayed(page)[1] == expected(model, tokenizer, "q")
    page.locator(".em .search").fill("<script>")
    expect(page.locator(".em .hits")).to_contain_text("No point here is called “<script>”")
    page.keyboard.press("Escape")

    page.locator(".em canvas[role=application]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".em .side h3")).not_to_have_text("q")
    page.wait_for_url(re.compile("word="))

    page.get_by_role("button", name="Similarity matrix").click()
    matrix = page.locator(".em .matrix tbody tr")
    expect(matrix).to_have_count(9)
    name, listed = displayed(page)
    title = matrix.first.locator("td").nth(1).get_attribute("title")
    assert title == f"{name} · {listed[0][0]}: {title.rsplit(' ', 1)[1]}"
    assert abs(float(title.rsplit(" ", 1)[1]) - listed[0][1]) < 6e-4
    page.get_by_role("button", name="Back to the map").click()

    page.get_by_role("button", name="t-SNE", exact=True).click()
    expect(page.locator(".em .loss")).to_contain_text("of each point's 8 nearest")
    page.wait_for_url(re.compile("method=tsne"))
    with page.expect_download() as picture:
        page.get_by_role("button", name="Save SVG").click()
    svg = picture.value.path().read_text(encoding="utf-8")
    assert svg.count("<text") > 10
    assert "<script" not in svg

    page.reload()
    settled(page)
    expect(page.locator(".em .group [aria-pressed=true]").first).to_have_text("t-SNE")
    expect(page.locator(".em .side h3")).to_have_text(name)


def test_a_word_in_several_sentences_pulls_apart_in_chinese_and_on_a_phone(app: App, page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(app.url("embeddings", lang="zh", of="word"))
    settled(page)
    slider = page.locator(".em .frames input")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator(".em .frame-name")).to_have_text("静态：词元自身的向量")
    expect(page.locator(".em .mean")).to_have_text("此处两点间的平均相似度：1.000。")
    page.keyboard.press("End")
    expect(page.locator(".em .frame-name")).to_contain_text("层之后")
    apart = float(re.search(r"(-?[\d.]+)。", page.locator(".em .mean").inner_text())[1])
    assert apart < 0.99
    model, _ = hub.load("tang-gpt")
    assert model.config.n_layers == int(slider.get_attribute("max"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 391


def test_pictures(chromium, tmp_path) -> None:
    """Three groups that lie apart, in both languages and both themes, beside the kept pictures."""
    group = torch.arange(90) % 3
    spread = torch.randn(90, 16, generator=torch.Generator().manual_seed(0))
    names = [f"{'abc'[k]}{i}" for i, k in enumerate(group.tolist())]
    kinds = {"kind": categories([("lower", "upper", "digits")[k] for k in group.tolist()])}
    points = Points(vectors=(4 * torch.eye(16)[group] + spread)[None], names=names, attributes=kinds)
    file = tmp_path / "map.html"
    for language in ("en", "zh"):
        embedding_map.save(str(file), points, language=language, view={"word": "a0", "method": "pca"})
        for theme in ("light", "dark"):
            context = chromium.new_context(
                viewport={"width": 900, "height": 640}, color_scheme=theme, reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto(file.as_uri())
            page.wait_for_selector(".em canvas[data-points='90']")
            expect(page.locator(".em ol.truly li")).to_have_count(8)
            assert ("相似度矩阵" in page.locator(".em .tools").inner_text()) == (language == "zh")
            name = f"embeddings-{language}-{theme}.png"
            page.screenshot(path=tmp_path / name)
            context.close()
            same_picture(tmp_path / name)
