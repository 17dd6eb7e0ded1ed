"""The training loop: the same function for the command line, the background worker and a notebook.

A step learns from the next windows of the text. Everything else a run does (measuring, writing samples, looking inside,
saving) leaves the weights, the random state and the order of the data alone, so that with a number of steps given the
same words give the same model, bit for bit, whether or not the run was killed and resumed on the way.
"""

import math
import platform
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor

import llmlab
from llmlab import hub
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT
from llmlab.models.gpt_config import GPTConfig
from llmlab.text.batches import Windows
from llmlab.training import devices, durable, optimizers, runs, samples
from llmlab.training.board import Board, Report
from llmlab.training.checkpoints import Checkpoints, load_weights
from llmlab.training.config import TrainConfig
from llmlab.training.evaluation import Validation
from llmlab.training.interruption import asked_by_signal
from llmlab.training.lock import Busy, Lock
from llmlab.training.objectives import next_token_loss
from llmlab.training.preparation import Prepared, prepare
from llmlab.training.schedules import Schedule
from llmlab.training.status import LOCK, STOP

PATIENCE_AFTER_STOP = 10.0
"""A stopped run measures all of the validation text only if that takes no longer than this many seconds."""


def train(
    run: Path, *, resume: bool = False, report: Report | None = None, started: float | None = None
) -> dict[str, Any]:
    """Train a run to its end, or until it is stopped.

    `report` gets each point of the curves as it is made. `started` is when the process began, in seconds since the
    epoch; now by default. Returns steps, seconds, train_loss, val_loss (of `checkpoint`, the best one, over all of the
    validation text), tokens_per_second, parameters and checkpoint.
    Raises LearnerError for whatever a person can mend; the run's status then says the same.
    """
    started = time.time() if started is None else started
    config = runs.config(run)
    try:
        with Lock(run / LOCK):
            if runs.last(run) is not None and not resume:
                raise LearnerError("training.run_exists", run=run.name)
            if runs.status(run).state == "finished":
                return result(run)
            (run / STOP).unlink(missing_ok=True)
            board = Board(run, report, started)
            try:
                Trainer(run, config, board).train()
            except LearnerError as error:
                board.fail(error)
                raise
            except (MemoryError, torch.OutOfMemoryError) as error:
                told = LearnerError("training.out_of_memory", batch=max(1, config.batch // 2))
                board.fail(told)
                raise told from error
            except OSError as error:
                told = durable.disk_error(error, run)
                board.fail(told)
                raise told from error
            except Exception as error:
                board.fail(LearnerError("training.crashed", detail=f"{type(error).__name__}: {error}"))
                raise
            return result(run)
    except Busy:
        raise LearnerError("training.locked", run=run.name) from None


def process_start() -> float:
    """When this process began, in seconds since the epoch: what `--seconds` counts from."""
    return float(psutil.Process().create_time())


def result(run: Path) -> dict[str, Any]:
    """What an ended run came to."""
    status = runs.status(run)
    return {
        "steps": status.step,
        "seconds": round(status.seconds, 3),
        "train_loss": status.train_loss,
        "val_loss": status.val_loss,
        "tokens_per_second": status.tokens_per_second,
        "parameters": status.parameters,
        "checkpoint": str(runs.best(run)) if runs.last(run) else None,
    }


class Trainer:
    """One process's work on a run. The order of the methods is the order in which things happen."""

    def __init__(self, run: Path, config: TrainConfig, board: Board) -> None:
        self.run, self.config, self.board = run, config, board
        self.device = devices.pick(config.device)
        self.step = 0
        self.reached = False
        self.offset: float | None = None
        """All of the validation text minus the part to steer by, once both were measured at one step."""
        self.whole: dict[int, float] = {}
        self.steering: dict[int, float] = {}

    def train(self) -> None:
        """Prepare, go on from the last checkpoint if there is one, train to the first limit, confirm."""
        self._record_machine()
        self.data = prepare(self.run, self.config, self.board.say)
        self.board.say("training.doing_build")
        self._build()
        self._go_back()
        with asked_by_signal(self._ask_to_stop):
            while (reason := self._over()) is None:
                self._one_step()
                self._after_step()
            self._finish(reason)

    def _ask_to_stop(self) -> None:
        self.board.stop_asked = True

    def _record_machine(self) -> None:
        """Set the threads, the same at each resumption, and note in `run.json` what the run runs on."""
        about = runs.about(self.run)
        threads = self.config.threads or about.get("machine", {}).get("threads")
        torch.set_num_threads(threads or psutil.cpu_count(logical=False) or 1)
        about["machine"] = {
            "threads": torch.get_num_threads(),
            "device": str(self.device),
            "platform": platform.platform(),
            "versions": {
                "python": platform.python_version(),
                "llmlab": llmlab.__version__,
                **{package: version(package) for package in ("torch", "numpy", "tokenizers", "safetensors")},
            },
        }
        durable.write_json(self.run / runs.RUN, about)

    def _build(self) -> None:
        config, data = self.config, self.data
        torch.manual_seed(config.seed)
        if self.device.type == "cuda":
            torch.use_deterministic_algorithms(True, warn_only=True)
        self.model = self._model(data).to(self.device)
        self.model.train()
        self.forward: Any = torch.compile(self.model) if config.compile else self.model
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizers = optimizers.build(self.model, config)
        self.schedule = Schedule(config)
        self.windows = Windows(
            data.train_ids, context_length=config.context, batch_size=config.batch, seed=config.seed
        )
        self.validation = Validation(
            data.val_ids,
            context_length=config.context,
            vocab_size=self.model.config.vocab_size,
            steering_tokens=config.eval_tokens,
        )
        self.eval_every = config.eval_every or _eval_every(config)
        self.prompt = _prompt(data)
        self.checkpoints = Checkpoints(self.run)

    def _model(self, data: Prepared) -> GPT:
        about = runs.about(self.run)
        if "model" in about:  # made by an earlier process
            shape = GPTConfig(**about["model"])
            if runs.last(self.run) is not None or self.config.init_from is None:
                return GPT(shape)
        if self.config.init_from is not None:
            model: GPT = hub.load(runs.resolve(self.config.init_from))[0].float()
            model = _with_dropout(model, self.config.dropout)
        else:
            model = GPT(self.config.model_config(data.tokenizer.vocab_size))
        durable.write_json(self.run / runs.RUN, about | {"model": asdict(model.config)})
        return model

    def _go_back(self) -> None:
        """To where the last checkpoint was written; to the start if there is none."""
        state = self.checkpoints.restore(self.model, self.optimizers)
        if state is not None:
            self.step = state["step"]
            self.windows.restore(state["windows"])
            self.schedule.cooling = state["cooling"] and tuple(state["cooling"])
            self.offset = state["offset"]
            self.board.before = state["seconds"]
            self.steering[self.step] = state["val_loss"]
            devices.set_random_state(state["random"], self.device)
        self.board.cut(self.step)
        self.training_began = state["training_began"] if state else self.board.seconds
        self.saved_at = time.monotonic()
        self.save_took = 0.0
        self.losses: list[Tensor] = []
        self.logged_at = 0.0
        self.busy, self.busy_tokens = 0.0, 0  # since the last point
        self.all_busy, self.all_tokens = 0.0, 0  # in this process
        self.board.show(
            state="running",
            doing=None,
            step=self.step,
            steps=self.config.steps if self.config.until_val_loss is None else None,
            parameters=self.model.parameter_count(),
            val_loss=self.steering.get(self.step),
        )

    def _over(self) -> str | None:
        """Which limit is reached, if one is."""
        config = self.config
        if self.reached:
            return "val_loss"
        if config.steps is not None and self.step >= config.steps:
            return "steps"
        if config.seconds is not None and self.step and self.board.seconds >= config.seconds - self._reserve():
            return "seconds"
        return "stop" if self.board.stop_asked else None

    def _reserve(self) -> float:
        """Seconds to keep for the last checkpoint and for confirming it on all of the validation text."""
        assert self.config.seconds is not None
        return min(0.3 + 1.1 * self.validation.whole_seconds() + 2 * self.save_took, self.config.seconds / 2)

    def _one_step(self) -> None:
        config = self.config
        began = time.perf_counter()
        share = 0.0
        if config.seconds is not None:
            room = config.seconds - self._reserve() - self.training_began
            share = (self.board.seconds - self.training_began) / max(room, 1e-9)
        self.lr = self.schedule.lr(self.step, share)
        optimizers.set_lr(self.optimizers, self.lr)
        loss = torch.zeros((), device=self.device)
        for _ in range(config.accumulate):
            x, y = (torch.from_numpy(part).to(self.device) for part in self.windows.next())  # (batch, context) each
            with self._autocast():
                part = next_token_loss(self.forward(x).logits, y) / config.accumulate
            part.backward()  # type: ignore[no-untyped-call]
            loss += part.detach()
        self.grad_norm = torch.nn.utils.clip_grad_norm_(self.parameters, config.clip or math.inf)
        self.losses.append(loss)
        if self.device.type == "cpu":  # elsewhere looking would make the device wait
            self._require_finite(loss, self.grad_norm)
        for optimizer in self.optimizers:
            optimizer.step()
        for parameter in self.parameters:
            parameter.grad = None
        self.step += 1
        self.busy += time.perf_counter() - began
        self.busy_tokens += config.tokens_per_step

    def _autocast(self) -> AbstractContextManager[object]:
        if self.config.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def _require_finite(self, *values: Tensor) -> None:
        if all(math.isfinite(float(value)) for value in values):
            return
        kept = runs.last(self.run)
        better = f"{self.config.peak_lr / 3:.1g}"
        if kept is None:
            raise LearnerError("training.nan_early", step=self.step + 1, lr=better)
        raise LearnerError("training.nan", step=self.step + 1, kept=int(kept.name[5:]), lr=better)

    def _after_step(self) -> None:
        measure = self._measures(self.step)
        if measure or self.step <= 3 or time.monotonic() - self.logged_at >= self._pause():
            self._point(self._measure() if measure else None)
        if measure and self.config.until_val_loss is not None:
            self._steer(self.config.until_val_loss)
        if samples.due(self.step):
            self._look()
        if self._must_save():
            self._save()
        self.board.beat(step=self.step, time_left=self._time_left())

    def _measures(self, step: int) -> bool:
        """At steps 5, 10, 20 … and then regularly; more often when the loss aimed at is near."""
        every = self.eval_every
        target, newest = self.config.until_val_loss, self.board.now.val_loss
        if target is not None and newest is not None and newest + (self.offset or 0.0) < 1.03 * target:
            every = max(1, every // 4)
        early = step % 5 == 0 and (step // 5).bit_count() == 1 and step < every
        return early or step % every == 0

    def _pause(self) -> float:
        """Seconds between two points of the curve: a long run does not need a hundred thousand of them."""
        return min(max(0.3, self.board.seconds / 500), 5.0)

    def _measure(self) -> float:
        if self.step not in self.steering:
            self.steering = {self.step: self.validation.steering_loss(self.model)}
            self.board.beat(val_loss=self.steering[self.step])
        return self.steering[self.step]

    def _point(self, val_loss: float | None) -> None:
        mean = float(torch.stack(self.losses).mean())
        grad_norm = float(self.grad_norm)
        self._require_finite(torch.tensor(mean), self.grad_norm)
        pace = self.busy_tokens / self.busy
        line = {
            "step": self.step,
            "seconds": round(self.board.seconds, 3),
            "tokens": self.step * self.config.tokens_per_step,
            "train_loss": mean,
            "lr": self.lr,
            "grad_norm": grad_norm,
            "tokens_per_second": round(pace, 1),
        }
        self.board.point(line if val_loss is None else line | {"val_loss": val_loss})
        self.board.beat(train_loss=mean, grad_norm=grad_norm, tokens_per_second=round(pace, 1))
        self.all_busy, self.all_tokens = self.all_busy + self.busy, self.all_tokens + self.busy_tokens
        self.losses, self.busy, self.busy_tokens = [], 0.0, 0
        self.logged_at = time.monotonic()

    def _steer(self, target: float) -> None:
        """Towards a validation loss: begin the cooldown in time, and confirm on the whole text when it seems reached."""
        loss = self._measure()
        self.schedule.steer(self.step, loss + (self.offset or 0.0))
        if loss + (self.offset or 0.0) > target:
            return
        self._save()
        whole = self._confirm()
        self.offset = whole - loss
        self.reached = whole <= target

    def _confirm(self) -> float:
        """The validation loss of the present weights over the whole text."""
        if self.step not in self.whole:
            self.whole[self.step] = self.validation.whole_loss(self.model, self.board.beat)
        return self.whole[self.step]

    def _look(self) -> None:
        """Let the model write."""
        if self.config.sample_tokens:
            ids = samples.write(self.model, self.prompt, self.config.sample_tokens, self.config.seed)
            tokenizer = self.data.tokenizer
            self.board.sample({"step": self.step, "prompt": tokenizer.decode(self.prompt), "text": tokenizer.decode(ids)})

    def _must_save(self) -> bool:
        """In time before the longest pause is over, but never so often that saving takes most of the time."""
        per_step = self.all_busy / max(1, self.step)
        pause = max(0.9 * self.config.checkpoint_seconds - self.save_took - per_step, 5 * self.save_took)
        return time.monotonic() - self.saved_at >= pause

    def _save(self) -> None:
        began = time.monotonic()
        if self.losses:
            self._require_finite(self.losses[-1], self.grad_norm)
        state = {
            "windows": self.windows.state(),
            "random": devices.random_state(self.device),
            "seconds": self.board.seconds,
            "training_began": self.training_began,
            "cooling": self.schedule.cooling,
            "offset": self.offset,
        }
        loss = self._measure()
        self.checkpoints.save(self.step, self.model, self.data.tokenizer, self.optimizers, state, loss)
        self.saved_at = time.monotonic()
        self.save_took = self.saved_at - began

    def _time_left(self) -> float | None:
        config = self.config
        left = []
        if config.steps is not None and self.all_busy:
            per_step = (self.board.seconds - self.training_began) / self.step
            left.append((config.steps - self.step) * per_step)
        if config.seconds is not None:
            left.append(config.seconds - self.board.seconds)
        return max(0.0, min(left)) if left and config.until_val_loss is None else None

    def _finish(self, reason: str) -> None:
        """Save, find the best checkpoint's loss on the whole validation text, and say how it ended."""
        self.board.say("training.doing_confirm")
        if self.losses:
            self._point(self._measure())
        self._save()
        hurried = reason == "stop"
        if not hurried and not samples.due(self.step):
            self._look()
        best = self.checkpoints.best
        assert best is not None
        val_loss = best["val_loss"]
        if not hurried or self.validation.whole_seconds() <= PATIENCE_AFTER_STOP:
            val_loss = self._confirm_best(reason)
        self.checkpoints.prune(keep=1)
        pace = self.all_tokens / self.all_busy if self.all_busy else self.board.now.tokens_per_second
        self.board.end(
            "stopped" if hurried else "finished",
            step=self.step,
            val_loss=val_loss,
            tokens_per_second=pace and round(pace, 1),
            checkpoint=self.checkpoints.best and self.checkpoints.best["name"],
        )

    def _confirm_best(self, reason: str) -> float:
        """The lower of the last and the best so far, each over the whole text."""
        last, whole = self.run / "checkpoints" / f"step-{self.step:06d}", self._confirm()
        best = self.checkpoints.best
        assert best is not None
        if best["name"] != last.name and reason != "val_loss":
            load_weights(self.model, self.run / "checkpoints" / best["name"])
            other = self.validation.whole_loss(self.model, self.board.beat)
            if other < whole:
                self.checkpoints.crown(self.run / "checkpoints" / best["name"], best["val_loss"], whole=other)
                return other
        self.checkpoints.crown(last, self.steering[self.step], whole=whole)
        return whole


def _with_dropout(model: GPT, dropout: float) -> GPT:
    if model.config.dropout == dropout:
        return model
    changed = GPT(replace(model.config, dropout=dropout))
    changed.load_state_dict(model.state_dict())
    return changed


def _eval_every(config: TrainConfig) -> int:
    """So that reading `eval_tokens`, at a third of the price of learning from them, takes 4 % of the time."""
    return max(10, math.ceil(0.35 * config.eval_tokens / (0.04 * config.tokens_per_step) / 10) * 10)


def _prompt(data: Prepared) -> list[int]:
    """The first tokens of the first whole line of the validation text."""
    ids = [int(i) for i in data.val_ids[:2000]]
    text = data.tokenizer.token_texts(ids)
    start = next((i + 1 for i, token in enumerate(text) if token.endswith("⏎")), 0)
    return ids[start : start + 8] or ids[:8]
