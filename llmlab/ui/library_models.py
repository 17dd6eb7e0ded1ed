"""The models of the Library: those of the catalogue, imported folders and the learner's runs, as rows of one table."""

import json
import math
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import streamlit as st

from llmlab.ui import deleted, fetching, ownership, shell, train_runs
from llmlab.ui.language import in_millions, language, plain, say

_MOST_ROWS = 40
_WIDTHS = (3.0, 1.9, 2.1, 1.5, 1.9, 2.6)
HEADS = ("name", "family_size", "trained_on", "bits", "date")
_FAMILIES = {"gpt2": "gpt2", "qwen3": "gpt", "llama": "gpt"}
"""What llmlab's own configurations call the families that transformers names."""
_DTYPES = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model or run."""

    name: str
    """What other pages and the command line call it."""
    title: str
    """What the reader sees, when it differs."""
    run: Path | None
    """The folder of the run, for a run."""
    folder: Path | None
    """Where the weights lie; None while nothing is here."""
    family: str = "–"
    """As llmlab's own configurations call it: `gpt`, `gpt2`."""
    architecture: str = ""
    """The class that opens it in transformers."""
    parameters: int | None = None
    trained_on: str = ""
    imported: bool = False
    bits: float | None = None
    """Validation loss in bits per character."""
    when: float | None = None
    state: str | None = None
    """Of a run that is not finished."""
    entry: Any = None
    """What the catalogue says of it, for its models."""

    def matches(self, words: str) -> bool:
        """Whether every typed word occurs in what the row says."""
        said = f"{self.name} {self.title} {self.family} {self.architecture} {self.trained_on}".lower()
        return all(word in said for word in words.lower().split())


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a model folder says of itself."""

    family: str
    architecture: str
    parameters: int | None


def rows() -> list[Row]:
    """Everything that opens, newest runs first, then imported folders and the catalogue.

    A run or folder with the name of a model in the catalogue stands for it: that is what the name opens.
    """
    from llmlab.hub.catalogue import entries
    from llmlab.hub.fetch import is_local
    from llmlab.training import runs

    own = [_of_run(run) for run in runs.list_runs()] + [_of_folder(folder) for folder in runs.list_imported()]
    taken = {row.name for row in own}
    offered = [entry for entry in entries("model") if is_local(entry.name) or entry.size_bytes]
    return own + [_of_entry(entry) for entry in offered if entry.name not in taken]


def _of_run(run: Path) -> Row:
    from llmlab.training import runs

    config, status = runs.config(run), runs.status(run)
    folder = runs.best(run) if runs.last(run) is not None else None
    return Row(
        name=run.name,
        title=run.name,
        run=run,
        folder=folder,
        family=config.model,
        architecture=look(folder, _changed(folder)).architecture if folder is not None else "",
        parameters=status.parameters,
        trained_on=corpus_title(config.corpus),
        bits=bits_per_character(run, status.val_loss, config.val_fraction),
        when=runs.about(run).get("created"),
        state=None if status.state == "finished" else status.state,
    )


def _of_folder(folder: Path) -> Row:
    seen = look(folder, _changed(folder))
    return Row(
        name=folder.name,
        title=folder.name,
        run=None,
        folder=folder,
        imported=True,
        when=_changed(folder),
        **asdict(seen),
    )


def _of_entry(entry: Any) -> Row:
    from llmlab.hub.fetch import fetch, is_local

    folder = fetch(entry.name) if is_local(entry.name) else None
    row = {"name": entry.name, "title": entry.title[language()], "run": None, "folder": folder, "entry": entry}
    if folder is None or not (folder / "config.json").is_file():
        return Row(**row)
    seen = look(folder, _changed(folder))
    card = _json(folder / "results.json")
    trained_on = corpus_title(card["corpus"]) if "corpus" in card else ""
    return Row(**row, **asdict(seen), trained_on=trained_on, bits=card.get("bits_per_character"))


@st.cache_data(max_entries=200, show_spinner=False)
def look(folder: Path, changed: float) -> Seen:
    """What a model folder says of itself, read from headers alone: nothing is loaded."""
    config = _json(folder / "config.json")
    family = str(config.get("model_type", "–"))
    architecture = " ".join(str(name) for name in config.get("architectures") or [])
    try:
        parameters = sum(_count(file) for file in folder.glob("*.safetensors")) or None
    except (OSError, ValueError, KeyError, AttributeError):
        parameters = None
    return Seen(family=_FAMILIES.get(family, family), architecture=architecture, parameters=parameters)


def _changed(folder: Path) -> float:
    try:
        return (folder / "config.json").stat().st_mtime
    except OSError:  # a checkpoint of a run that just made way for a better one
        return 0.0


def _count(file: Path) -> int:
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > 100_000_000:
            raise ValueError("not a safetensors header")
        header = json.loads(stream.read(length))
    return sum(math.prod(t["shape"]) for name, t in header.items() if name != "__metadata__" and t["dtype"] in _DTYPES)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def bits_per_character(run: Path, val_loss: float | None, val_fraction: float) -> float | None:
    """Nats per token to bits per character, by the lengths that the run noted of its validation text."""
    about = _json(run / "data" / "about.json")
    if val_loss is None or not about.get("val_characters"):
        return None
    val_tokens = about["tokens"] - int(about["tokens"] * (1 - val_fraction))
    return float(val_loss * val_tokens / about["val_characters"] / math.log(2))


def corpus_title(corpus: str) -> str:
    """A corpus as the reader knows it: the catalogue's title, or the file's name."""
    from llmlab.hub.catalogue import entries

    titles = {entry.name: entry.title[language()] for entry in entries("corpus")}
    path = Path(corpus)
    return titles.get(corpus) or (say("ui_library.own_text") if path.parent.name == "uploads" else path.name)


def table(found: list[Row]) -> None:
    """The rows."""
    with st.container(key="library_models_table"):
        with st.container(key="library_models_heads"):
            for column, head in zip(st.columns(_WIDTHS), HEADS, strict=False):
                column.caption(say(f"ui_library.{head}"), help=say("ui_library.bits_help") if head == "bits" else None)
        for row in found[:_MOST_ROWS]:
            _row(row)
    if len(found) > _MOST_ROWS:
        st.caption(say("ui_library.more_rows", n=len(found) - _MOST_ROWS))


def _row(row: Row) -> None:
    name, family, corpus, bits, date, doors = st.columns(_WIDTHS, vertical_alignment="center")
    state = f" · {say('ui_train.state_' + row.state)}" if row.state else ""
    name.markdown(f"**{plain(row.title)}**{state}", help=plain(row.entry.note[language()]) if row.entry else None)
    if row.entry and row.entry.source_url:
        name.caption(_terms(row.entry))
    size = parameters_said(row.parameters or (row.entry.parameters if row.entry else None))
    known = [plain(row.family)] if row.family != "–" or not size else []
    family.markdown(" · ".join([*known, size] if size else known))
    built_in = row.folder is not None and not (row.entry and row.entry.source_url)
    when = f"{datetime.fromtimestamp(row.when):%Y-%m-%d}".replace("-", "\N{NON-BREAKING HYPHEN}") if row.when else ""
    facts = (
        (corpus, plain(row.trained_on)),
        (bits, f"{row.bits:.3f}" if row.bits is not None else ""),
        (date, when or (say("ui_library.built_in") if built_in else "")),
    )
    for column, fact in facts:
        if fact:  # where nothing is known the table is blank
            column.markdown(fact)
    with doors.container(horizontal=True, vertical_alignment="center", gap="small"):
        _doors(row)


def _terms(entry: Any) -> str:
    """Whose a model is, under which licence, and what it takes to open it."""
    parts = [f"[{plain(entry.source)}]({entry.source_url})", plain(fetching.licence(entry))]
    if entry.memory_bytes:
        parts.append(plain(say("ui_library.memory", size=fetching.size(entry.memory_bytes))))
    return " · ".join(parts)


def _doors(row: Row) -> None:
    """Where a row opens."""
    if row.run is not None and st.button(
        say("ui_library.curve"), key=f"library_curve_{row.name}", type="tertiary", help=say("ui_library.curve_help")
    ):
        st.switch_page(shell.file_of("train"), query_params={"run": row.name})
    if row.folder is None:
        if row.run is None:
            fetching.offer(row.name, key=f"library_fetch_{row.name}")
        return
    if row.family != "bert" and st.button(
        say("ui_library.generate"), key=f"library_generate_{row.name}", type="tertiary"
    ):
        train_runs.open_in_generate(row.name)
    with st.popover("", icon=":material/more_horiz:", type="tertiary", key=f"library_more_{row.name}"):
        for view in [entry for entry in shell.PAGES if entry.name in ("attention", "embeddings")]:
            if st.button(say(f"ui_shell.page_{view.name}"), key=f"library_{view.name}_{row.name}", icon=view.icon):
                st.switch_page(shell.file_of(view.name), query_params={"model": row.name})
        if st.button(say("ui_train.fine_tune"), key=f"library_tune_{row.name}", icon=":material/tune:"):
            st.session_state.pop("train_run", None)
            st.switch_page(shell.file_of("train"), query_params={"from": row.name})
        _export(row)
        if row.architecture:
            st.caption(say("ui_library.in_transformers", architecture=plain(row.architecture)))
        if row.run is not None or row.imported:
            _delete(row)


def _export(row: Row) -> None:
    def pack() -> bytes:
        from llmlab.hub.archive import export_zip

        return export_zip(row.folder, name=row.name)

    st.download_button(
        say("ui_library.export"),
        pack,
        file_name=f"{row.name}.zip",
        mime="application/zip",
        key=f"library_export_{row.name}",
        icon=":material/download:",
        on_click="ignore",
    )


def _delete(row: Row) -> None:
    from llmlab.training import runs

    mine = ownership.owns(runs.owner(row.run)) if row.run is not None else ownership.serves_only_this_machine()
    if not mine:
        st.caption(say("ui_train.not_yours"))
        return
    st.button(
        say("ui_train.delete"),
        key=f"library_delete_{row.name}",
        icon=":material/delete:",
        on_click=train_runs.delete if row.run is not None else _delete_imported,
        args=(row.run or row.folder,),
    )


def _delete_imported(folder: Path) -> None:
    """Delete an imported model: it has no owner, so only where everyone owns everything."""
    if ownership.serves_only_this_machine() and folder.is_dir():
        deleted.put_aside(folder)


def parameters_said(parameters: int | None) -> str:
    """A count of parameters in the units of the reader; empty where it is not known."""
    if parameters is None:
        return ""
    if parameters < 1_000_000 and language() == "en":
        return f"{parameters / 1000:.0f} k"
    if parameters < 100_000:
        return f"{parameters:,}"
    return in_millions(parameters)
