"""The course's pages: every chapter in both languages, guesses that are kept, answers that a teacher hides."""

import re

import pytest


def text_states(visited) -> list[dict]:
    import json

    found = [w for w in visited.app.get("bidi_component") if w.proto.component_name == "llmlab_course_text"]
    return [json.loads(w.proto.json)["state"] for w in found]


def question(visited) -> dict:
    return next(i for state in text_states(visited) for i in state["items"] if i["kind"] == "predict")


def answer(visited, unit: str, name: str, choice: int) -> None:
    found = [w for w in visited.app.get("bidi_component") if w.proto.component_name == "llmlab_course_text"]
    key = next(w.key for w in found if f'"{name}"' in w.proto.json)
    visited.app.session_state[key] = {"ask": {"predict": name, "choice": choice, "nonce": "1"}}
    visited.app.run()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("number", range(1, 11))
def test_every_chapter_opens_in_both_languages(visit, number, language):
    visited = visit(f"chapter_{number:02d}", lang=language)
    assert not visited.broken(), visited.said()
    assert visited.app.title[0].value.startswith(f"{number} · ")
    html = "".join(item.get("html", "") for state in text_states(visited) for item in state["items"])
    assert (len(re.findall("[一-龥]", html)) > 0.1 * len(html)) == (language == "zh")


def test_the_answer_comes_after_the_guess_and_the_first_guess_stays(visit):
    visited = visit("chapter_06", lang="en")
    before = question(visited)
    assert before["answer"] is None
    assert not any(option["right"] for option in before["options"])
    answer(visited, "06_inside_the_models", before["name"], 0)
    after = question(visited)
    assert after["chosen"] == 0
    assert after["answer"]
    assert question(visit("chapter_06", lang="zh"))["chosen"] == 0


def test_a_teacher_hides_the_answers(visit, monkeypatch):
    visited = visit("chapter_06", lang="en", answers="hidden")
    before = question(visited)
    answer(visited, "06_inside_the_models", before["name"], 0)
    assert question(visited)["answer"] is None
    assert not any("answer" in e.label.lower() for e in visited.app.expander)


def test_answers_stay_hidden_wherever_a_class_goes_from_its_link(visit):
    visited = visit("attention", lang="en", answers="hidden").go("chapter_07")
    assert not any("answer" in e.label.lower() for e in visited.app.expander)
    assert visited.app.query_params["answers"] == "hidden"


def test_the_overview_counts_what_was_done(visit):
    visit("chapter_06", lang="en")
    assert "1 of 10 chapters opened" in visit("course", lang="en").said()


def test_an_exercise_is_called_passed_as_soon_as_it_is(visit, monkeypatch):
    from llmlab.course.sandbox import Trial

    monkeypatch.setattr("llmlab.ui.exercise_box.try_code", lambda *_: Trial(passed=True, message="Right."))
    visited = visit("chapter_07", lang="en")
    visited.app.button(key="exercise_adam_step_code_check").click().run()
    assert ":green[passed]" in visited.said()


def test_a_proof_is_run_and_shown(visit):
    visited = visit("errata", lang="zh", entry="9")
    visited.app.button(key="proof_9_run").click().run()
    assert "3.162" in visited.said()
    assert "不成立" in visited.said()
    assert not visited.broken()


def test_code_is_run_only_for_the_person_at_the_machine(visit, monkeypatch):
    visited = visit("chapter_06", lang="en")

    def checks() -> list[bool]:
        return [b.disabled for b in visited.app.button if b.key.endswith("_code_check")]

    assert checks()
    assert not any(checks())
    visited.app.context = {"url": "http://school.example/", "locale": "en-GB"}
    visited.app.run()
    assert all(checks())
    assert "runs no code" in visited.said()
    monkeypatch.setenv("LLMLAB_RUN_CODE", "1")
    visited.app.run()
    assert not any(checks())


def test_errata_are_found_by_word_and_by_kind(visit):
    def shown(visited) -> set[str]:
        return set(re.findall(r"(\d+) · chapter", visited.said()))

    visited = visit("errata", lang="en")
    assert len(shown(visited)) == 47
    visited.app.text_input(key="errata_search").input("flare").run()
    assert shown(visited) == {"8"}
    visited.app.text_input(key="errata_search").input("")
    visited.app.segmented_control(key="errata_kind").select("editorial").run()
    assert shown(visited) == {"23", "24", "25"}


def test_what_is_said_of_an_exercise_keeps_its_formulas_and_shows_a_learners_signs_as_they_are():
    from llmlab.ui.language import with_formulas

    assert with_formulas("Divide by $\\sqrt{d_k}$, `k.shape[-1]`: *a* [b]") == (
        "Divide by $\\sqrt{d_k}$, `k.shape[-1]`\\: \\*a\\* \\[b\\]"
    )
