"""Language, navigation and calm errors, on every page."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["start", "course", "errata", "train", "speed", "tokenizers", "generate", "embeddings", "library"]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_in_both_languages(visit, page, language):
    visited = visit(page, lang=language)
    assert not visited.broken(), visited.said()
    title = visited.app.title[0].value
    assert title.isascii() == (language == "en")
    assert visited.app.expander, "no code to take into a notebook"


def test_the_server_loads_what_opens_models_before_anybody_comes():
    from streamlit.web.server.app_discovery import discover_asgi_app

    assert discover_asgi_app(ROOT / "app.py").import_string == "app:app"
    code = (
        "import app, threading, sys;"
        "[t.join() for t in threading.enumerate() if t.name == 'warm-imports'];"
        "print('torch' in sys.modules, app.app.script_path)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", str(ROOT / "app.py")]


def test_the_switch_keeps_the_page_and_the_address_tells_the_language(visit):
    visited = visit("tokenizers", lang="en")
    english = visited.app.title[0].value
    visited.app.button(key="language_switch").click().run()
    assert visited.app.title[0].value != english
    assert visited.app.query_params["lang"] == "zh"
    assert visited.widget("token_strip")[1]["labels"]["next"] == "下一次合并"


def test_the_choice_survives_navigation_which_drops_the_address(visit):
    visited = visit("generate", lang="zh")
    del visited.app.query_params["lang"]
    visited.go("start")
    assert visited.app.query_params["lang"] == "zh"
    assert not visited.app.title[0].value.isascii()


@pytest.mark.parametrize(("locale", "ascii_title"), [("zh-TW", False), ("zh", False), ("en-GB", True), ("fr", True)])
def test_without_a_choice_the_browser_decides(visit, locale, ascii_title):
    assert visit(None, locale=locale).app.title[0].value.isascii() == ascii_title


def test_an_unknown_language_in_the_address_is_ignored(visit):
    assert not visit(None, lang="xx").broken()


def test_a_learners_mistake_is_a_sentence_and_our_own_has_its_detail_folded(visit, monkeypatch):
    from llmlab.i18n import LearnerError
    from llmlab.ui import opened

    def fail(error):
        def choice(**_):
            raise error

        monkeypatch.setattr(opened, "choice", choice)
        return visit("start", lang="zh")

    mistaken = fail(LearnerError("ui_shell.no_model"))
    assert "训练" in mistaken.app.warning[0].value
    assert not mistaken.app.error
    broken = fail(ZeroDivisionError("the inside <b>"))
    assert "自身的问题" in broken.app.error[0].value
    assert "ZeroDivisionError" in broken.app.expander[0].code[0].value
    assert not broken.app.exception


def test_no_model_at_all_says_what_to_do(visit, monkeypatch, tmp_path):
    monkeypatch.setenv("LLMLAB_ASSETS", str(tmp_path / "none"))
    visited = visit("start", lang="en")
    assert "Train one" in visited.app.warning[0].value


def test_importing_the_pages_loads_nothing_heavy():
    code = (
        "import sys, importlib, pathlib, llmlab.ui\n"
        "for file in sorted(pathlib.Path(llmlab.ui.__file__).parent.glob('*.py')):\n"
        "    importlib.import_module(f'llmlab.ui.{file.stem}')\n"
        "print([name for name in ('torch', 'transformers', 'pandas') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr[-2000:]
