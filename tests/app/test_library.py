"""The Library page by its Python side: rows, filter, doors to other pages, deleting, archives that are refused."""

import io
import json
import sys
import time
import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from llmlab.i18n import say
from llmlab.training import durable, runs, status
from llmlab.training.config import TrainConfig
from llmlab.ui import deleted, fetching

ROOT = Path(__file__).parents[2]
PAGE = "llmlab/ui/library.py"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path))
    monkeypatch.chdir(ROOT)
    return tmp_path


def opened(language="en"):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["lang"] = language
    app.context = {"url": "http://127.0.0.1:8501/library"}
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def said(app):
    boxes = (app.markdown, app.caption, app.warning, app.error, app.info, app.success)
    return "\n".join(str(element.value) for elements in boxes for element in elements)


def made_run(name="first", *, owner=None):
    run = runs.create(TrainConfig(corpus="tales-en", steps=40), name, owner)
    (run / "checkpoints" / "step-000040").mkdir(parents=True)
    (run / "data").mkdir()
    durable.write_json(run / "data" / "about.json", {"characters": 1000, "tokens": 500, "val_characters": 100})
    status.write(run, status.RunStatus(state="finished", step=40, steps=40, val_loss=1.3863, parameters=812_345))
    return run


@pytest.mark.parametrize(
    ("language", "licence", "corpus", "size"),
    [("en", "licence", "Tales", "812 k"), ("zh", "许可", "小故事", "81 万")],
)
def test_runs_and_texts_are_listed(language, licence, corpus, size):
    made_run()
    app = opened(language)
    text = said(app)
    assert not app.error
    for word in ("first", size, licence, corpus, {"en": "public domain", "zh": "公有领域"}[language]):
        assert word in text
    assert "1.000" in text  # 1.3863 nats a token, 50 tokens over 100 characters: one bit a character


def test_a_run_with_the_name_of_an_embedded_model_stands_for_it():
    made_run("shakespeare-gpt")
    app = opened()
    assert not app.error
    assert [button.key for button in app.button].count("library_generate_shakespeare-gpt") == 1
    assert "Shakespeare GPT" not in said(app)
    assert "Tang poem GPT" in said(app)


def test_what_fetching_costs_is_said_before_and_a_stopped_fetch_says_what_to_do(monkeypatch):
    def endless(name, *, progress=None):
        while progress:
            progress(10_000_000, 92_871_040)
            time.sleep(0.01)

    monkeypatch.setattr(sys.modules["llmlab.hub.fetch"], "fetch", endless)
    monkeypatch.setattr(fetching, "_fetches", {})
    app = opened()
    for word in ("SmolLM2", "Apache", "538", "134.5"):
        assert word in said(app)
    assert "92.9 MB" in app.button(key="library_fetch_smollm2").label
    app.button(key="library_fetch_smollm2").click().run()
    assert not app.error
    app.button(key="library_stop_smollm2").click().run()
    while not fetching._fetches["smollm2"].finished:
        time.sleep(0.01)
    app.run()
    assert "Fetch again" in said(app)
    assert app.button(key="library_fetch_smollm2")


def test_typing_narrows_both_tables():
    made_run("alpha")
    made_run("beta")
    app = opened()
    app.text_input(key="library_words").set_value("ALPHA").run()
    assert "alpha" in said(app)
    assert "beta" not in said(app)
    app.text_input(key="library_words").set_value("no such <thing>").run()
    assert "<thing>" not in said(app)
    assert len(app.info) == 1


def test_a_run_opens_in_train():
    made_run()
    app = opened()
    app.button(key="library_curve_first").click().run()
    assert not app.exception
    assert app.query_params["run"] == "first"


def test_a_run_is_deleted_only_by_its_own_button():
    first, second = made_run("first"), made_run("second")
    app = opened()
    app.button(key="library_delete_first").click().run()
    assert not first.exists()
    assert second.exists()


def test_a_deleted_run_comes_back_whole_until_its_time_is_over(home, monkeypatch):
    run = made_run()
    before = {path.relative_to(run) for path in run.rglob("*")}
    app = opened()
    app.button(key="library_delete_first").click().run()
    assert not runs.list_runs()
    app.button(key="deleted_undo").click().run()
    assert not app.exception
    assert {path.relative_to(run) for path in run.rglob("*")} == before
    assert "deleted_undo" not in [button.key for button in app.button]

    app.button(key="library_delete_first").click().run()
    now = time.time()
    monkeypatch.setattr(deleted.time, "time", lambda: now + deleted.KEPT_SECONDS + 2)
    app.run()
    assert "deleted_undo" not in [button.key for button in app.button]
    assert not list((home / "runs" / ".deleted").iterdir())


def test_undoing_never_overwrites_a_new_run_of_that_name():
    made_run()
    app = opened()
    app.button(key="library_delete_first").click().run()
    (made_run() / "mark").touch()
    app.button(key="deleted_undo").click().run()
    assert say("ui_library.taken_meanwhile", "en", name="first") in said(app).replace("\\", "")
    assert (runs.runs_dir() / "first" / "mark").exists()


def test_a_run_and_its_imported_twin_have_one_family_and_both_can_be_deleted(home):
    made_run()
    twin = home / "runs" / "twin"
    twin.mkdir()
    (twin / "config.json").write_text('{"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]}')
    app = opened()
    text = said(app)
    assert "qwen3" not in text
    assert "Qwen3ForCausalLM" in text
    app.button(key="library_delete_twin").click().run()
    assert not app.exception
    assert not twin.exists()


def archive(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        for name, text in files.items():
            zipped.writestr(name, text)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"not a zip at all", id="no zip"),
        pytest.param(archive({"../../escaped/config.json": "{}"}), id="path traversal"),
        pytest.param(
            archive({"m/config.json": json.dumps({"model_type": "gpt2"}), "m/pytorch_model.bin": "x"}), id="pickle"
        ),
        pytest.param(archive({"m/config.json": json.dumps({"model_type": "strange"})}), id="unknown family"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_bad_archive_is_refused_in_one_sentence(content, language, home):
    app = opened(language)
    app.file_uploader(key="library_zip").upload("model.zip", content).run()
    app.button(key="library_import_go").click().run()
    assert not app.exception
    assert not app.error, app.error[0].value
    assert app.warning
    assert not (home / "runs" / "model").exists()
    assert not list(home.parent.glob("escaped"))


def test_a_name_that_is_taken_is_not_overwritten(home):
    run = made_run("mine")
    app = opened()
    app.file_uploader(key="library_zip").upload("x.zip", b"anything").run()
    app.text_input(key="library_zip_name").set_value("mine").run()
    app.button(key="library_import_go").click().run()
    assert say("ui_library.taken", "en", name="mine") in app.warning[0].value.replace("\\", "")
    assert runs.is_run(run)
