import pytest

from llmlab.hub.lock import Lock
from llmlab.i18n import LearnerError
from llmlab.training import durable, runs, status
from llmlab.training.config import TrainConfig
from llmlab.training.status import LOCK, RunStatus


def test_a_bare_name_goes_home_and_an_existing_path_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert runs.run_path("mine") == runs.runs_dir() / "mine"
    assert runs.run_path("sub/mine") == tmp_path / "sub" / "mine"
    (tmp_path / "mine").mkdir()
    assert runs.run_path("mine") == tmp_path / "mine"


@pytest.mark.parametrize("name", ["", ".hidden", "a*b", "con", "NUL.txt", "a\nb", "x" * 100, "ends.", "-x"])
def test_names_that_no_folder_can_have(name):
    with pytest.raises(LearnerError):
        runs.run_path(name)


@pytest.mark.parametrize("name", ["a", "first run", "诗-1", "v1.2_(b)"])
def test_names_that_any_folder_can_have(name):
    assert runs.run_path(name).parent == runs.runs_dir()


def test_create_keeps_what_was_asked(new_run, corpus):
    run = new_run("one", seed=7)
    assert runs.config(run).seed == 7
    assert runs.config(run).corpus == str(corpus)
    assert runs.status(run).state == "queued"
    assert runs.list_runs() == [run]
    assert runs.owner(run) is None


def test_a_corpus_is_found_from_any_folder(corpus, monkeypatch, tmp_path):
    monkeypatch.chdir(corpus.parent)
    run = runs.create(TrainConfig(corpus=corpus.name), "one")
    monkeypatch.chdir("/")
    assert runs.config(run).corpus == str(corpus)


def test_without_a_name_there_is_one(corpus):
    config = TrainConfig(corpus=str(corpus))
    assert [runs.create(config).name for _ in range(2)] == ["corpus-1", "corpus-2"]


def test_what_is_taken_is_refused(new_run, corpus, tmp_path):
    new_run("one")
    with pytest.raises(LearnerError, match="--resume"):
        new_run("one")
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(LearnerError, match="other files"):
        runs.create(TrainConfig(corpus=str(corpus)), other)
    with pytest.raises(LearnerError, match="is a file"):
        runs.create(TrainConfig(corpus=str(corpus)), corpus)
    with pytest.raises(LearnerError, match="tales-en"):
        runs.create(TrainConfig(corpus="no-such"), "two")


def test_what_memory_cannot_hold_is_refused_before_anything_is_made(corpus):
    with pytest.raises(LearnerError, match="memory"):
        runs.create(TrainConfig(corpus=str(corpus), width=65536, layers=100), "huge")
    assert not runs.list_runs()


def test_best_and_last(new_run):
    run = new_run("one")
    with pytest.raises(LearnerError, match="checkpoint"):
        runs.best(run)
    for step in (5, 1000000, 20):
        (run / "checkpoints" / f"step-{step:06d}").mkdir(parents=True)
    assert runs.last(run).name == "step-1000000"
    assert runs.best(run).name == "step-1000000"
    durable.write_json(run / "checkpoints" / "best.json", {"name": "step-000005"})
    assert runs.best(run).name == "step-000005"
    assert runs.resolve("one").name == "step-000005"


def test_resolve_knows_folders_and_says_what_there_is(tmp_path, new_run):
    new_run("one")
    assert runs.resolve(str(tmp_path)) == tmp_path
    with pytest.raises(LearnerError, match="one"):
        runs.resolve("neither")
    with pytest.raises(LearnerError, match="file"):
        runs.resolve(str(tmp_path / "corpus.txt"))


def test_a_process_that_is_gone_without_a_word_has_failed(new_run):
    run = new_run("one")
    with Lock(run / LOCK):
        status.write(run, RunStatus(state="running", step=31))
        assert runs.status(run).state == "running"
        runs.request_stop(run)
        assert runs.status(run).state == "stopping"
    found = runs.status(run)
    assert found.state == "failed"
    assert LearnerError(found.error["phrase"], **found.error["parameters"])
    assert "31" in str(LearnerError(found.error["phrase"], **found.error["parameters"]))


def test_delete(new_run, tmp_path):
    run = new_run("one")
    with Lock(run / LOCK), pytest.raises(LearnerError, match="stop it"):
        runs.delete(run)
    runs.delete(run)
    assert not run.exists()
    with pytest.raises(LearnerError):
        runs.delete(tmp_path)
    assert tmp_path.exists()


def test_a_status_that_cannot_be_read_is_no_fault(new_run):
    run = new_run("one")
    (run / "status.json").write_text('{"state": "fini')
    assert runs.status(run).state == "queued"


@pytest.mark.parametrize("name", ["data", "checkpoints"])
def test_folders_of_the_learner_are_never_taken_for_a_runs(name, corpus, tmp_path):
    (tmp_path / "project" / name).mkdir(parents=True)
    with pytest.raises(LearnerError, match="other files"):
        runs.create(TrainConfig(corpus=str(corpus)), tmp_path / "project")


def test_a_run_that_came_to_nothing_is_taken_back_and_nothing_else(corpus, tmp_path):
    (tmp_path / "project" / ".git").mkdir(parents=True)
    run = runs.create(TrainConfig(corpus=str(corpus)), tmp_path / "project")
    (run / "data").mkdir()
    runs.discard(run)
    assert [path.name for path in run.iterdir()] == [".git"]
    (run / ".git").rmdir()
    runs.discard(runs.create(TrainConfig(corpus=str(corpus)), run))
    assert not run.exists()


@pytest.mark.parametrize(
    "content", ["{", "{}", '{"config": {}}', '{"config": 1}', '{"config": {"corpus": "a", "layers": "x"}}']
)
def test_a_damaged_run_does_not_hide_the_others(new_run, content):
    run = new_run("one")
    (runs.runs_dir() / "bad").mkdir()
    (runs.runs_dir() / "bad" / "run.json").write_text(content)
    assert runs.list_runs() == [run]


def test_imported_models_are_neither_runs_nor_unfinished(new_run):
    new_run("one")
    for name in ("mine", ".mine.importing"):
        (runs.runs_dir() / name).mkdir()
        (runs.runs_dir() / name / "config.json").write_text("{}")
    assert [path.name for path in runs.list_imported()] == ["mine"]
