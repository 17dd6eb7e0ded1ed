"""The Train page by its Python side: every step in both languages, starting, watching, ownership, bad input."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from llmlab.hub.lock import Lock
from llmlab.i18n import LearnerError, say
from llmlab.i18n.phrases import phrase_table
from llmlab.training import durable, runs, status
from llmlab.training.config import TrainConfig
from llmlab.ui import train_choice

ROOT = Path(__file__).parents[2]
PAGE = "llmlab/ui/train.py"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(ROOT)
    return tmp_path


@pytest.fixture
def submitted(monkeypatch):
    """Runs handed to the queue, which is kept from starting a process."""
    from llmlab.training.jobs import LocalQueue

    found = []
    monkeypatch.setattr(LocalQueue, "submit", lambda self, run: found.append(run))
    monkeypatch.setattr(LocalQueue, "position", lambda self, run: 2)
    return found


def opened(language="en", *, local=True, **query):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["lang"] = language
    for name, value in query.items():
        app.query_params[name] = value
    if local:
        app.context = {"url": "http://127.0.0.1:8501/train"}
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def said(app):
    boxes = (app.markdown, app.caption, app.warning, app.error, app.info, app.code)
    return "\n".join(str(element.value) for elements in boxes for element in elements)


def run_at(step=40, *, state="finished", owner=None, error=None, name="first", checkpoint=True):
    run = runs.create(TrainConfig(corpus="tales-en", steps=40), name, owner)
    for s in range(0, step + 1, 10):
        durable.append_line(run / "metrics.jsonl", {"step": s, "train_loss": 3.0, "val_loss": 3.1})
    durable.append_line(run / "samples.jsonl", {"step": 0, "prompt": "", "text": "qq <b>noise</b>"})
    durable.append_line(run / "samples.jsonl", {"step": step, "prompt": "", "text": "The fox slept."})
    status.write(run, status.RunStatus(state=state, step=step, steps=40, val_loss=3.1, error=error))
    if checkpoint:
        (run / "checkpoints" / f"step-{step:06d}").mkdir(parents=True)
    return run


@pytest.mark.parametrize(("language", "corpus", "button"), [("en", "Tales", "Train"), ("zh", "小故事", "开始训练")])
def test_a_newcomer_presses_one_button(language, corpus, button, submitted):
    app = opened(language)
    assert not app.error
    assert not app.warning
    assert corpus in app.expander[0].label
    assert app.button(key="train_go").label == button
    app.button(key="train_go").click().run()
    assert not app.exception
    (run,) = submitted
    assert runs.config(run).corpus == f"tales-{language}"
    assert app.query_params["run"] == run.name
    assert "2" in said(app)  # its place in the queue


def test_every_choice_reaches_the_run(submitted):
    app = opened()
    app.segmented_control(key="train_tokenizer").set_value("bpe").run()
    app.select_slider(key="train_vocab").set_value(300).run()
    app.segmented_control(key="train_dial").set_value("tiny").run()
    app.checkbox(key="train_clean_case").check().run()
    app.toggle(key="train_details").set_value(True).run()
    app.number_input(key="train_word_seed_tiny_0").set_value(7).run()
    assert not app.exception
    assert "--vocab-size 300" in said(app)
    assert "--seed 7" in said(app)
    app.button(key="train_go").click().run()
    config = runs.config(submitted[0])
    assert (config.tokenizer, config.vocab_size, config.recipe) == ("bpe", 300, "tiny")
    assert (config.cleaning, config.seed, config.layers) == (("case",), 7, 2)


def test_a_bert_is_chosen_brings_its_tokenizer_and_learns(submitted):
    from llmlab.training import loop

    app = opened("zh")
    app.segmented_control(key="train_model").set_value("bert").run()
    app.segmented_control(key="train_dial").set_value("tiny").run()
    assert not app.exception
    assert not app.warning
    assert "WordPiece" in app.expander[1].label
    assert "BERT" in app.expander[2].label
    assert "--model bert" in said(app)
    assert "train_tokenizer" not in [control.key for control in app.segmented_control]
    app.toggle(key="train_details").set_value(True).run()
    for name, value in {"layers": 1, "width": 16, "steps": 2, "sample_tokens": 8}.items():
        app.number_input(key=f"train_word_{name}_tiny_0").set_value(value).run()
    app.button(key="train_go").click().run()
    (run,) = submitted
    config = runs.config(run)
    assert (config.model, config.tokenizer, config.vocab_size) == ("bert", "wordpiece", 2048)
    loop.train(run, resume=False, report=lambda line: None)
    app.run()
    assert not app.exception
    assert not app.error
    assert say("ui_train.masked_references", "zh") in said(app)
    assert runs.status(run).state == "finished"


@pytest.mark.parametrize(("language", "word"), [("en", "--width"), ("zh", "--width")])
def test_settings_that_contradict_each_other_are_said_and_nothing_starts(language, word, submitted):
    app = opened(language)
    app.toggle(key="train_details").set_value(True).run()
    app.number_input(key="train_word_heads_default_0").set_value(7).run()
    assert not app.exception
    assert "7" in said(app)
    app.button(key="train_go").click().run()
    assert submitted == []
    assert runs.list_runs() == []


def test_stop_words_warn():
    app = opened()
    app.checkbox(key="train_clean_stop_words").check().run()
    assert [say("text.stop_words_warning")] == [warning.value for warning in app.warning]


def test_own_text_is_kept_on_this_machine_under_a_random_name(home, submitted):
    app = opened()
    app.pills(key="train_corpus").set_value("own").run()
    assert "stays on this machine" in said(app)
    app.file_uploader(key="train_file").upload("my <diary>.txt", b"Today it rained on the roof again.\n" * 90).run()
    assert not app.exception
    (kept,) = (home / "uploads").iterdir()
    assert "diary" not in kept.name
    app.button(key="train_go").click().run()
    assert runs.config(submitted[0]).corpus == str(kept)
    assert submitted[0].name.startswith("my-diary")


@pytest.mark.parametrize(
    ("name", "content", "phrase"),
    [("tool.exe", b"MZ", "ui_train.upload_type"), ("empty.txt", b"", "text."), ("same.txt", b"aaaaaaaa", "text.")],
)
def test_uploads_are_checked_again_in_python(name, content, phrase, home):
    from llmlab.ui import train_text

    with pytest.raises(LearnerError) as caught:
        train_text.keep(name, content)
    assert caught.value.phrase.startswith(phrase)
    assert caught.value.parameters.get("name", name) == name  # not the random name under which it would be kept
    assert not list(home.rglob("*.txt"))


@pytest.mark.parametrize(("language", "stopped"), [("en", "finished"), ("zh", "已完成")])
def test_a_run_survives_a_new_session(language, stopped):
    run = run_at()
    app = opened(language, run=run.name)
    assert stopped in said(app)
    assert "The fox slept." in said(app)
    app.select_slider(key="train_sample_first").set_value(0).run()
    assert "qq <b>noise</b>" in [code.value for code in app.code]
    assert app.button(key="train_talk")


def test_an_address_never_reaches_outside_the_runs_folder(home):
    app = opened(run="../../etc")
    assert app.button(key="train_go")
    assert "run" not in app.query_params


@pytest.mark.parametrize(("language", "words"), [("en", "step 40"), ("zh", "第 40 步")])
def test_what_went_wrong_is_said_in_the_readers_language(language, words):
    run = run_at(state="failed", error={"phrase": "training.died", "parameters": {"step": 40}})
    app = opened(language, run=run.name)
    assert words in app.warning[0].value


def test_runs_are_chips_to_lay_over_open_and_delete():
    first, second = run_at(name="first"), run_at(name="second")
    app = opened(run="first")
    app.pills(key="train_chips").set_value(["second"]).run()
    assert not app.exception
    app.button(key="train_open_second").click().run()
    assert app.query_params["run"] == "second"
    app.button(key="train_delete").click().run()
    assert not second.exists()
    assert first.exists()
    assert "run" not in app.query_params


def test_only_the_owner_may_stop_resume_or_delete(submitted, monkeypatch):
    run = run_at(state="stopped", owner="somebody else")
    app = opened(local=False, run=run.name)
    assert "another browser" in said(app)
    assert "train_delete" not in [button.key for button in app.button]
    with Lock(run / "lock"):
        status.write(run, status.RunStatus(state="running", step=1))
        app = opened(local=False, run=run.name)
        assert "train_stop" not in [button.key for button in app.button]
        assert "train_stop" in [button.key for button in opened(run=run.name).button]


def test_a_run_of_this_browser_is_recognised(submitted):
    app = opened(local=False)
    app.button(key="train_go").click().run()
    owner = runs.owner(submitted[0])
    assert owner is not None
    assert owner not in json.dumps(app.session_state.to_dict(), default=str)  # the hash, not the token, is kept
    assert "train_stop" in [button.key for button in app.button]


def test_fine_tuning_keeps_the_models_tokens(submitted):
    from llmlab.hub.hf_config import hf_config_dict
    from llmlab.models.gpt_config import GPTConfig
    from llmlab.text.tokenizer import train_tokenizer

    run = run_at(name="teacher")
    shape = GPTConfig(vocab_size=68, n_layers=1, n_heads=2, d_model=16)
    (runs.best(run) / "config.json").write_text(json.dumps(hf_config_dict(shape)))
    train_tokenizer("char", "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ.,;'\n\"?!-:“”’—").save(
        runs.best(run)
    )
    app = opened(**{"from": "teacher"})
    assert "teacher" in app.expander[2].label
    app.button(key="train_go").click().run()
    assert submitted, said(app)
    assert runs.config(submitted[0]).init_from == "teacher"


def test_a_model_that_lacks_characters_of_the_text_is_not_started(submitted, home):
    from llmlab.text.tokenizer import train_tokenizer

    folder = home / "runs" / "imported"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    train_tokenizer("char", "abc").save(folder)
    app = opened(**{"from": "imported"})
    assert "imported" in app.expander[2].label
    app.button(key="train_go").click().run()
    assert submitted == []
    assert any("does not know these characters" in warning.value for warning in app.warning)


def test_pages_are_light_to_import():
    code = (
        "import sys, llmlab.ui.train, llmlab.ui.library;"
        "print([m for m in ('torch', 'transformers', 'pandas') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "words",
    [
        {"recipe": "tiny", "layers": 4, "width": 128},  # TrainConfig's own values, but not the recipe's
        {"steps": 7, "seconds": 90.0},
        {"recipe": "small", "tokenizer": "bpe", "vocab_size": 512, "cleaning": ("whitespace",)},
    ],
)
def test_the_command_of_a_run_asks_for_that_run(words):
    from llmlab.training import recipes
    from llmlab.ui.train_choice import words_of

    run = runs.create(recipes.configure({"corpus": "tales-en"} | words), "first")
    assert recipes.configure(words_of(runs.config(run))) == runs.config(run)


def test_every_setting_has_a_name_in_both_languages():
    fields = train_choice.detail_fields(TrainConfig.__dataclass_fields__)
    names = phrase_table("ui_train_fields")
    assert set(fields) <= set(names)


def test_fine_tuning_says_beforehand_what_it_costs(tmp_path):
    from llmlab import hub
    from llmlab.models.gpt import GPT, GPTConfig
    from llmlab.text.tales import write_tales
    from llmlab.text.tokenizer import train_tokenizer

    tokenizer = train_tokenizer("char", write_tales("en", characters=60_000))
    sizes = {"context_length": 64, "n_layers": 1, "n_heads": 2, "d_model": 32, "d_ff": 40}  # d_ff as no recipe has it
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, **sizes))
    hub.save(model, tokenizer, tmp_path / "runs" / "small-one")
    app = opened(**{"from": "small-one"})
    assert not app.warning
    text = said(app)
    assert f"{model.parameter_count():,}" in text
    assert say("ui_train.memory", "en") in text
    assert say("ui_train.time", "en") in text


@pytest.mark.parametrize(("size", "shown"), [(258, True), (1000, False)])
def test_a_vocabulary_smaller_than_asked_for_is_said(size, shown):
    run = run_at()
    about = runs.about(run)
    about["config"] |= {"tokenizer": "bpe", "vocab_size": 1000}
    durable.write_json(run / "run.json", about | {"model": {"vocab_size": size}})
    assert ("fewer than the 1,000" in said(opened(run="first"))) == shown


def test_old_uploads_go_unless_a_run_was_trained_on_them(home):
    import os
    import time

    from llmlab.ui import uploads

    folder = home / "uploads"
    folder.mkdir()
    for name, days in (("used.txt", 30), ("unused.txt", 30), ("new.txt", 1)):
        (folder / name).write_text("A fox.\n" * 100)
        os.utime(folder / name, (time.time() - days * 24 * 3600,) * 2)
    runs.create(TrainConfig(corpus=str(folder / "used.txt")), "kept")
    uploads.clear()
    assert sorted(path.name for path in folder.iterdir()) == ["new.txt", "used.txt"]
