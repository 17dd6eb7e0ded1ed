"""The live labs of chapters 4, 8, 9 and 10: what they show is what the models they teach with say."""

import json

import pytest

from tests.app.conftest import ROOT


def key(visited, ending: str) -> str:
    """The session key of the one widget whose key ends so."""
    kinds = ("text_input", "slider", "toggle", "selectbox", "segmented_control", "select_slider", "plotly_chart")
    found = [w.key or w.proto.id for kind in kinds for w in visited.app.get(kind)]
    (one,) = [name for name in found if name.endswith(ending)]
    return one


def charts(visited) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in visited.app.get("plotly_chart")]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_classifier_learns_in_the_page_and_gives_its_reasons(visit, language):
    from llmlab.tasks.reviews import write_reviews
    from llmlab.tasks.word_classifier import WordClassifier

    visited = visit("chapter_09", lang=language)
    every = write_reviews(language, 1200)
    test, train = every[:400], every[400:600]
    for longest in (1, 2):
        if longest == 2:
            visited.app.toggle(key=key(visited, "_pairs")).set_value(True).run()
        model = WordClassifier(longest=longest).fit([r.text for r in train], [int(r.good) for r in train])
        found = model.probabilities([r.text for r in test]) > 0.5
        right = sum(f == r.good for f, r in zip(found, test, strict=True))
        assert f"{right / 400:.1%}" in [metric.value for metric in visited.app.metric]
        assert sum(
            e.label.startswith((f"{400 - right} ", f"400 条中判错 {400 - right} ")) for e in visited.app.expander
        )
    box = visited.app.text_input(key=key(visited, f"_own_{language}"))
    box.input("xyzzy").run()
    assert not visited.broken()
    box.input(test[0].text).run()
    p = model.probabilities([test[0].text])[0]
    assert f", {max(p, 1 - p):.0%} sure" in visited.said() or f"，把握 {max(p, 1 - p):.0%}。" in visited.said()
    assert charts(visited)[-1]["data"][0]["y"][-1] == next(iter(model.reasons(test[0].text)))
    assert not visited.broken()


def test_a_sentence_is_taken_apart_term_by_term(visit, embedded):
    import torch

    from llmlab import hub

    visited = visit("chapter_02", lang="en")
    model, tokenizer = hub.load(embedded / "shakespeare-gpt")
    box = visited.app.text_input(key=key(visited, "_text"))
    box.input("To be, that is").run()
    ids = tokenizer.encode("To be, that is")
    with torch.no_grad():
        p = model(torch.tensor([ids[:-1]])).logits[0].softmax(-1)
    expected = [-float(p[place, token].log()) for place, token in enumerate(ids[1:])]
    assert charts(visited)[-1]["data"][0]["y"] == pytest.approx(expected, rel=1e-4)
    assert f"{sum(expected) / len(expected):.3f}" in visited.said()
    box.input("T").run()
    assert visited.app.warning
    assert not visited.broken()


def test_each_cleaning_step_shows_its_effect(visit):
    from llmlab.text.cleaning import STEPS, clean
    from llmlab.training.cleaning_effect import loss_after, soiled

    visited = visit("chapter_03", lang="en")
    for chosen in (("markup", "special_characters", "whitespace", "duplicates"), ("markup", "case")):
        (pills,) = [group for group in visited.app.get("button_group") if group.key and group.key.endswith("_steps")]
        pills.set_value(list(chosen)).run()
        (bars,) = [chart["data"][0] for chart in charts(visited) if "orientation" in chart["data"][0]]
        steps = [(), *((step,) for step in STEPS), tuple(step for step in STEPS if step in chosen)]
        assert bars["text"] == [f"{loss_after(step, 'en'):.3f}" for step in steps]
        after = clean(soiled("en")[:900], chosen)
        assert any(
            after[:200] in code.value.replace("⟨U+200B⟩", "\u200b").replace("⟨U+FEFF⟩", "\ufeff")
            for code in visited.app.code
        )
    assert loss_after(("markup",), "en") < loss_after((), "en") < loss_after(("stop_words",), "en")
    assert not visited.broken()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_scaling_law_foretells_what_it_did_not_see(visit, language):
    from llmlab.text.tales import entropy_per_character, write_tales
    from llmlab.training.scaling_law import counting_losses, fit
    from llmlab.ui.lab_scaling import CHARACTERS, SIZES

    visited = visit("chapter_08", lang=language)
    losses = counting_losses(write_tales(language, characters=CHARACTERS), SIZES, order=6)
    law = fit(SIZES[:6], losses[:6], floor=entropy_per_character(language))
    said = visited.said()
    assert f"**{law.loss(SIZES[-1]):.3f}**" in said
    assert f"**{losses[-1]:.3f}**" in said
    visited.app.toggle(key=key(visited, "_told")).set_value(False).run()
    assert f"**{fit(SIZES[:6], losses[:6]).loss(SIZES[-1]):.3f}**" in visited.said()
    assert not visited.broken()


@pytest.mark.parametrize(("language", "words"), [("en", "hand"), ("zh", "转给")])
def test_a_question_finds_its_answer_and_says_by_which_words(visit, language, words):
    from llmlab.tasks.shop import intents

    visited = visit("chapter_04", lang=language)
    box = visited.app.text_input(key=key(visited, f"_text_{language}"))
    box.input("发票抬头写错了").run()  # stored as it is
    said = visited.said()
    reply = next(intent.reply[language] for intent in intents() if intent.name == "invoice")
    assert reply.replace(".", r"\.") in said
    assert "= 1.00" in said
    box.input("quantum chromodynamics").run()
    assert reply.replace(".", r"\.") not in visited.said()
    box.input("?!").run()
    assert visited.app.warning
    assert not visited.broken()


def test_each_family_opens_with_a_taste_of_it(visit, monkeypatch):
    from llmlab import hub
    from llmlab.generation.filling import fill

    monkeypatch.setenv("LLMLAB_ASSETS", str(ROOT / "assets"))
    visited = visit("chapter_10", lang="en")
    names = visited.app.selectbox(key=key(visited, "_families_0_model"))
    for name in ("shakespeare-gpt", "tales-bert"):
        names.select(name).run()
        assert not visited.broken()
        assert f"{hub.load(name)[0].config.n_layers}" in [metric.value for metric in visited.app.metric]
    text = visited.app.text_input(key=key(visited, "_fill")).value
    best = fill(*hub.load("tales-bert"), text, top=6).blanks[0].candidates
    shown = charts(visited)[-1]["data"][0]
    assert [word.rstrip("\u200b") for word in shown["y"]] == [candidate.token for candidate in best]
    visited.app.text_input(key=key(visited, "_fill")).input("no blank here").run()
    assert visited.app.warning
    assert not visited.broken()
