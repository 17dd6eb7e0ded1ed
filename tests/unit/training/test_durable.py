import pytest

from llmlab.training import durable


def test_json_there_and_back(tmp_path):
    durable.write_json(tmp_path / "a.json", {"诗": 1.5})
    assert durable.read_json(tmp_path / "a.json") == {"诗": 1.5}
    assert durable.read_json(tmp_path / "missing.json") is None


def test_what_is_not_json_is_nothing(tmp_path):
    (tmp_path / "a.json").write_text('{"step": 1')
    assert durable.read_json(tmp_path / "a.json") is None


def test_a_replaced_file_is_never_half_written(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    durable.write_json(path, "old")

    def fail(name, at):
        if name == "replace":
            raise KeyboardInterrupt

    monkeypatch.setattr(durable, "operation", fail)
    with pytest.raises(KeyboardInterrupt):
        durable.write_json(path, "new")
    assert durable.read_json(path) == "old"
    durable.operation = lambda name, at: None
    durable.remove_leftovers(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_torn_line_is_not_read_and_is_cut(tmp_path):
    path = tmp_path / "lines.jsonl"
    for step in range(4):
        durable.append_line(path, {"step": step})
    with open(path, "a") as file:
        file.write('{"step": 4, "los')
    assert [line["step"] for line in durable.read_lines(path)] == [0, 1, 2, 3]
    durable.keep_lines(path, lambda line: line["step"] <= 2)
    durable.append_line(path, {"step": 3})
    assert [line["step"] for line in durable.read_lines(path)] == [0, 1, 2, 3]


def test_a_folder_appears_whole_and_disappears_at_once(tmp_path):
    partial = tmp_path / ".thing.partial"
    partial.mkdir()
    (partial / "file").write_text("x")
    durable.publish_folder(partial, tmp_path / "thing")
    assert (tmp_path / "thing" / "file").read_text() == "x"
    durable.remove_folder(tmp_path / "thing")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_from_other_trouble(tmp_path):
    import errno

    assert durable.disk_error(OSError(errno.ENOSPC, "No space left on device"), tmp_path).phrase == "training.disk_full"
    assert durable.disk_error(OSError(errno.EACCES, "denied"), tmp_path).phrase == "training.cannot_write"
