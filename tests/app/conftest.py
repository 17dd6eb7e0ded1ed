"""Two tiny models in the place of the embedded ones, an empty home, and the app as a person opens it."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]
SENTENCES = {
    "shakespeare-gpt": "To be, or not to be, that is the question\n",
    "tang-gpt": "床前明月光，疑是地上霜。举头望明月\n",
}


@pytest.fixture(scope="session")
def tiny_assets(tmp_path_factory):
    import torch

    from llmlab import hub
    from llmlab.models.gpt import GPT, GPTConfig
    from llmlab.text.tokenizer import train_tokenizer

    assets = tmp_path_factory.mktemp("assets")
    torch.manual_seed(0)
    for name, sentence in SENTENCES.items():
        tokenizer = train_tokenizer("char", sentence)
        config = GPTConfig(
            vocab_size=tokenizer.vocab_size, context_length=64, n_layers=2, n_heads=2, n_kv_heads=2, d_model=16
        )
        model = GPT(config)
        torch.nn.init.normal_(model.head.weight, std=0.3)
        hub.save(model, tokenizer, assets / name)
        (assets / name / "metrics.jsonl").write_text('{"step": 10, "seconds": 840.0, "train_loss": 2.0}\n')
    return assets


@pytest.fixture
def embedded(tiny_assets, tmp_path, monkeypatch):
    """The app's surroundings: embedded models and an empty home."""
    monkeypatch.setenv("LLMLAB_ASSETS", str(tiny_assets))
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path))
    monkeypatch.chdir(ROOT)
    return tiny_assets


class Visit:
    """One session of the app, and what is on its page."""

    def __init__(self, page: str | None, **query: str) -> None:
        self.app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        self.app.context = {"url": "http://127.0.0.1:8501/", "locale": query.pop("locale", "en-GB")}
        for name, value in query.items():
            self.app.query_params[name] = value
        self.app.run()
        if page is not None:
            self.go(page)

    def go(self, page: str) -> "Visit":
        self.app.switch_page(f"llmlab/ui/{page}.py").run()
        return self

    def widget(self, name: str) -> tuple[str, dict]:
        """The session key and the state of the one mounted widget of that name."""
        found = [w for w in self.app.get("bidi_component") if w.proto.component_name == f"llmlab_{name}"]
        assert len(found) == 1, self.said()
        return found[0].key, json.loads(found[0].proto.json)["state"]

    def ask(self, name: str, **asked: object) -> dict:
        """Save `ask` as the widget would; its state after the run."""
        key, _ = self.widget(name)
        self.app.session_state[key] = {"ask": asked}
        self.app.run()
        return self.widget(name)[1]

    def said(self) -> str:
        app = self.app
        boxes = (app.title, app.markdown, app.caption, app.warning, app.error, app.info, app.code)
        return "\n".join(str(element.value) for elements in boxes for element in elements)

    def broken(self) -> bool:
        """Whether anything on the page failed: a bare exception, or the calm box that holds one."""
        return bool(self.app.exception) or any("llmlab" in str(e.value) for e in self.app.error)


@pytest.fixture
def visit(embedded):
    return Visit
