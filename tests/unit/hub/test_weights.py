"""Writing weights where there is no room."""

import pytest
from safetensors import SafetensorError

from llmlab.hub import weights


def test_a_full_disk_is_the_systems_error_and_leaves_nothing(tmp_path, monkeypatch):
    def full(state, path, metadata):
        path.write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(weights, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        weights.write_weights({}, tmp_path)
    assert not list(tmp_path.iterdir())
