"""What travels to the loss curve: new points only, finite ones only, words in the reader's language."""

import json
import math

from llmlab.widgets.loss_curve import CurveRun, LossCurve, chunk, reference_lines

METRICS = [
    {"step": 0, "val_loss": 4.2},
    {"step": 1, "train_loss": 4.1},
    {"step": 2, "train_loss": math.nan, "val_loss": 3.9},
    {"step": 3, "train_loss": 3.8},
]


def test_chunk_holds_what_came_after_and_leaves_out_what_is_not_finite():
    assert chunk("r", METRICS) == {
        "run": "r",
        "after": -1,
        "train": [[1, 4.1], [3, 3.8]],
        "val": [[0, 4.2], [2, 3.9]],
        "best": None,
    }
    assert chunk("r", METRICS, after=2)["train"] == [[3, 3.8]]


def test_an_ended_run_says_where_its_best_checkpoint_stands_if_the_whole_text_was_read():
    best = {"checkpoint": "step-000002", "val_loss": 3.87654, "val_share": 1.0}
    assert chunk("r", [*METRICS, {"step": 4, "best": best}], after=3)["best"] == [2, 3.8765]
    assert chunk("r", [*METRICS, {"step": 4, "best": best | {"val_share": None}}])["best"] is None


def test_long_history_is_thinned_but_keeps_its_last_point_and_every_validation():
    metrics = [{"step": s, "train_loss": 1.0} | ({"val_loss": 2.0} if s % 100 == 0 else {}) for s in range(10_001)]
    thin = chunk("r", metrics, most=1000)
    assert len(thin["train"]) <= 1001
    assert thin["train"][-1][0] == 10_000
    assert len(thin["val"]) == 101


def test_reference_lines_are_labelled_and_an_unknown_floor_is_no_line():
    lines = reference_lines({"uniform": 4.17, "kneser_ney": {"order": 6, "loss": 1.56}, "floor": None}, "zh")
    assert [line["kind"] for line in lines] == ["uniform", "kneser_ney"]
    assert "6" in lines[1]["label"]


def test_state_is_json_and_names_the_unit_of_the_axis():
    state = LossCurve(runs=[CurveRun(id="a", name="<b>", unit="char")], chunks=[chunk("a", METRICS)]).state()
    assert "nats per character" in json.loads(json.dumps(state, allow_nan=False))["words"]["y_axis"]
    mixed = LossCurve(runs=[CurveRun(id="a", name="a", unit="char"), CurveRun(id="b", name="b")]).state()
    assert "per token" in mixed["words"]["y_axis"]
