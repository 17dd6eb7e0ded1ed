"""Every unit keeps to the form, says everything in both languages, and refers only to what exists."""

import importlib.util
from pathlib import Path

import pytest

from llmlab.charts.diagrams import DIAGRAMS
from llmlab.course import prose
from llmlab.course.checking import exercise_names
from llmlab.course.formula import mathml, side_by_side, symbol_numbers
from llmlab.course.glossary import glossary
from llmlab.course.unit import Unit, parse, units
from llmlab.i18n import LANGUAGES
from llmlab.ui import labs, shell

ROOT = Path(__file__).parents[3]
PAGES = {entry.name for entry in shell.PAGES}


def texts(unit: Unit) -> list[dict]:
    """Everything in a unit that a person reads in one of the languages."""
    found = [unit.title, unit.lead, *unit.can, *(do.words for do in unit.does)]
    for block in unit.blocks:
        if block.kind == "prose":
            found.append(block.text)
        elif block.kind == "formula":
            found += block.values.get("symbols", [])
        elif block.kind == "predict":
            found += [block.values["question"], block.values["answer"], *block.values["options"]]
        elif block.kind == "lab":
            found.append(block.values["caption"])
    return found


@pytest.mark.parametrize("unit", units(), ids=lambda unit: unit.name)
class TestUnit:
    def test_it_says_everything_in_both_languages(self, unit: Unit) -> None:
        for text in texts(unit):
            assert text["en"].strip()
            assert text["zh"].strip()
            assert not text["zh"].isascii() or text["zh"] == text["en"], text["zh"]

    def test_its_terms_and_links_lead_somewhere(self, unit: Unit) -> None:
        names = {block.name for block in unit.of_kind("lab")}
        for text in texts(unit):
            for language in LANGUAGES:
                for term in prose.terms(text[language]):
                    assert term.replace(" ", "-") in glossary(), term
                for scheme, address in prose.links(text[language]):
                    path, _ = prose.target(address)
                    if scheme == "lab":
                        assert path in names, address
                    elif scheme == "page":
                        assert path in PAGES, address
                    elif scheme == "chapter":
                        assert any(other.number == int(path.partition("#")[0]) for other in units()), address

    def test_its_blocks_are_there(self, unit: Unit) -> None:
        for block in unit.blocks:
            if block.kind == "lab":
                assert labs.exists(block.name), block.name
                page = block.values.get("page")
                assert page is None or prose.target(page)[0] in PAGES
            elif block.kind == "exercise":
                assert block.name in exercise_names()
            elif block.kind == "diagram":
                assert all(DIAGRAMS[block.name](language).startswith("<svg") for language in LANGUAGES)
            elif block.kind == "formula":
                symbols = block.values.get("symbols", [])
                assert set(symbol_numbers(block.values["tex"])) == set(range(len(symbols)))
                assert "<math" in mathml(block.values["tex"])
            elif block.kind == "predict":
                assert sum(bool(option.get("right")) for option in block.values["options"]) >= 1

    def test_what_it_lets_do_is_there_and_shown_by_a_test(self, unit: Unit) -> None:
        here = [do for do in unit.does if do.at is not None]
        assert here, "every page offers at least one working thing"
        for do in here:
            kind, _, rest = do.at.partition(":")
            path = prose.target(rest)[0]
            known = {
                "page": PAGES,
                "lab": {block.name for block in unit.of_kind("lab")},
                "exercise": set(exercise_names()),
                "notebook": {""},
            }
            assert path in known[kind], do.at
            if do.test is not None:
                file, _, function = do.test.partition("::")
                assert f"def {function.rpartition('::')[2]}(" in (ROOT / file).read_text(encoding="utf-8"), do.test
        assert not unit.finished or all((do.at and do.test) or do.later for do in unit.does)
        assert not any(do.at and do.later for do in unit.does)

    def test_it_has_a_page(self, unit: Unit) -> None:
        assert importlib.util.find_spec(f"llmlab.ui.chapter_{unit.number:02d}")


def test_there_are_ten_units() -> None:
    assert [unit.number for unit in units()] == list(range(1, 11))


HEAD = '+++\ntitle = {en = "a", zh = "甲"}\nlead = {en = "a", zh = "甲"}\nminutes = 1\ncan = []\ndoes = []\n+++\n'


@pytest.mark.parametrize(
    "body",
    ["::: zh\n甲\n", "::: en\na\n", "::: en\na\n::: code\n1\n", "stray\n::: en\na\n::: zh\n甲\n", "::: film\nx = 1\n"],
)
def test_a_source_that_breaks_the_form_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r"^x: "):
        parse("x", HEAD + body)


def test_prose_becomes_html_whose_words_act() -> None:
    made = prose.to_html(
        "[[language model|models]] with [two heads](lab:attention?heads=2), see [1](chapter:6#a), $x<y$ and **b** <i>",
        lambda name: name,
    )
    assert '<button type="button" class="term" data-term="language-model">models</button>' in made
    assert '<button type="button" class="act" data-lab="attention?heads=2">two heads</button>' in made
    assert 'href="/chapter_06#a"' in made
    assert "<math" in made
    assert "&lt;i&gt;" in made


def test_no_line_breaks_at_the_hyphen_of_a_name() -> None:
    assert '<span class="whole">GPT-2</span>' in prose.to_html("since GPT-2 and [GPT-3](lab:sheets?model=GPT-3)", str)


def test_formulas_beside_each_other_are_drawn_alone() -> None:
    assert side_by_side(r"a = b, \qquad c = d") == ["a = b,", "c = d"]


def test_a_marked_symbol_can_be_pointed_at() -> None:
    made = mathml(r"\frac{\sym{0}{q_t} \cdot \sym{1}{k_s}}{\sqrt{d}}")
    assert made.count('class="symbol"') == 2
    assert 'data-symbol="0" tabindex="0"><mrow><msub><mi>q</mi>' in made
