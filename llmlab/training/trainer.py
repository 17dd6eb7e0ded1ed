"""The training loop.

A step learns from the next windows of the text. Everything else a run does (measuring, writing samples, looking inside,
saving) leaves the weights, the random state and the order of the data alone, so that with a number of steps given the
same words give the same model, bit for bit, whether or not the run was killed and resumed on the way.
"""

import math
from pathlib import Path

import torch
from torch import Tensor

from llmlab.i18n import LearnerError
from llmlab.models.build import Model
from llmlab.training import cost, devices, machine, references, runs, samples, starting_model
from llmlab.training.board import Board
from llmlab.training.checkpoints import Checkpoints, load_weights
from llmlab.training.config import DEFAULT_LR, TrainConfig
from llmlab.training.interruption import asked_by_signal
from llmlab.training.learner import Learner
from llmlab.training.objectives import objective
from llmlab.training.pace import Pace
from llmlab.training.preparation import prepare
from llmlab.training.probes import Probes
from llmlab.training.schedules import Schedule
from llmlab.training.steering import Steering
from llmlab.training.team import Alone

PATIENCE_AFTER_STOP = 10.0
"""A stopped run measures all of the validation text only if that takes no longer than this many seconds."""


class Trainer:
    """One process's work on a run. The order of the methods is the order in which things happen."""

    def __init__(self, run: Path, config: TrainConfig, board: Board, team: Alone) -> None:
        self.run, self.config, self.board, self.team = run, config, board, team
        self.device = team.device(config.device)
        self.step = 0
        self.share = 1.0

    def train(self) -> None:
        """Prepare, go on from the last checkpoint if there is one, train to the first limit, confirm."""
        self.config = machine.record(self.run, self.config, self.device, self.team.size)
        self.data = prepare(self.run, self.config, self.board.say)
        self.board.say("training.doing_build")
        self._build()
        self._go_back()
        counting, begun = None, False
        with asked_by_signal(self.board.ask_to_stop):
            try:
                while (reason := self._over()) is None:
                    self._one_step()
                    self._after_step()
                    if not begun:  # after the first point of the curve, not before it
                        counting, begun = references.start(self.run), True
                self._finish(reason)
            finally:
                references.end(counting)

    def _build(self) -> None:
        config, data = self.config, self.data
        free = devices.free_memory(self.device)
        cost.require_memory(config, vocab_size=data.tokenizer.vocab_size, free=free)
        torch.manual_seed(config.seed)
        self.team.share(config.batch)  # complains before anything is built
        model = starting_model.build(self.run, config, data.tokenizer.vocab_size)
        self.team.tell("build")
        self.learner = Learner(model, data, config, self.device, self.team)
        self.objective = objective(config)
        self.validation = self.objective.validation(data, config)
        self.schedule = Schedule(config)
        self.steering = Steering(config, self.validation, self.schedule)
        self.probes = Probes(self.run, model, data.train_ids, data.val_ids, config.probe_megabytes)
        self.checkpoints = Checkpoints(self.run)

    @property
    def model(self) -> Model:
        """The model as it is now, with all of its weights."""
        return self.learner.looked_at()

    def _go_back(self) -> None:
        """To where the last checkpoint was written; to the start if there is none."""
        state = self.checkpoints.restore(lambda checkpoint: self.learner.load(checkpoint=str(checkpoint)))
        if state is not None:
            self.step = state["step"]
            self.steering.restore(state)
            self.board.before = state["seconds"]
            devices.set_random_state(state["random"], self.device)
        self.board.cut(self.step)
        self.probes.cut(self.step)
        self.began = state["training_began"] if state else self.board.seconds
        self.pace = Pace(self.config)
        self.losses: list[Tensor] = []  # since the last point of the curve
        self.board.show(
            state="running",
            doing=None,
            step=self.step,
            steps=self.config.steps if self.config.until_val_loss is None else None,
            parameters=self.model.parameter_count(),
        )
        if self.step and self.steering.aimed_at == self.step:  # the last process may not have come to the end of it
            self._aim()

    def _over(self) -> str | None:
        """Which limit is reached, if one is."""
        config = self.config
        if self.steering.reached:
            return "until_val_loss"
        if config.steps is not None and self.step >= config.steps:
            return "steps"
        if config.seconds is not None and self.step and self.board.seconds >= config.seconds - self._reserve():
            return "seconds"
        return "stop" if self.board.stop_asked else None

    def _reserve(self) -> float:
        """Seconds to keep for a last look, the last checkpoint, and confirming it on all of the validation text."""
        assert self.config.seconds is not None
        needed = 0.5 + 1.2 * self.validation.whole_seconds() + 2 * self.pace.save_took + 2 * self.pace.look_took
        return min(needed, self.config.seconds / 2)

    def _one_step(self) -> None:
        with self.pace.working():
            self.lr = self.schedule.lr(self.step, self._share_of_time())
            loss, self.grad_norm = self.learner.find_gradients(lr=self.lr)
            self.losses.append(loss)
            if self.device.type == "cpu":  # elsewhere looking would make the device wait
                self._require_finite(loss)
            self.learner.move()
        self.step += 1

    def _share_of_time(self) -> float:
        if self.config.seconds is None:
            return 0.0
        room = self.config.seconds - self._reserve() - self.began
        return (self.board.seconds - self.began) / max(room, 1e-9)

    def _require_finite(self, loss: Tensor | float) -> None:
        if not (math.isfinite(float(loss)) and math.isfinite(float(self.grad_norm))):
            raise self._ruined()

    def _require_sound(self) -> None:
        """A step may ruin the weights, and the loss that it learned from does not show it: predict one window anew."""
        if not math.isfinite(self.validation.spread_loss(self.model, 1)[0]):
            raise self._ruined()

    def _ruined(self) -> LearnerError:
        kept = runs.last(self.run)
        better = f"{min(self.config.peak_lr / 3, DEFAULT_LR[self.config.optimizer]):.1g}"
        if kept is None:
            return LearnerError("training.nan_early", step=self.step + 1, lr=better)
        return LearnerError("training.nan", step=self.step + 1, kept=int(kept.name[5:]), lr=better)

    def _after_step(self) -> None:
        measure = self.steering.due(self.step)
        if measure or self.step <= 3 or self.pace.point_is_due(self.board.seconds):
            self._point(with_validation=measure)
        if measure:
            self._aim()
        if samples.due(self.step):
            self._look()
        # Each best one is saved, whatever the clock says, so that a resumed run also has the same best checkpoint.
        if (measure and self._is_best()) or self.pace.save_is_due():
            self._save()
        self.board.beat(step=self.step, time_left=self._time_left())

    def _point(self, *, with_validation: bool) -> None:
        """Add a point to the curves."""
        loss = torch.stack(self.losses).mean()
        self._require_finite(loss)
        told = {"train_loss": float(loss), "grad_norm": float(self.grad_norm)}
        line = {
            "step": self.step,
            "seconds": round(self.board.seconds, 3),
            "tokens": self.step * self.config.tokens_per_step,
            **told,
            "lr": self.lr,
            "tokens_per_second": self.pace.since_last_point(),
        }
        if with_validation:
            line["val_loss"] = told["val_loss"] = self.steering.measure(self.step, self.model)
            self._require_finite(told["val_loss"])
            line |= self.validation.details
        self.board.point(line)
        self.board.beat(**told, tokens_per_second=line["tokens_per_second"])
        self.losses = []

    def _aim(self) -> None:
        self.steering.aim(self.step, self.model, self._save, self.board.beat)

    def _look(self) -> None:
        """Let the model write, and look inside."""
        with self.pace.looking():
            self._require_sound()
            if self.config.sample_tokens:
                self.board.sample({"step": self.step, **self.objective.sample(self.model, self.data, self.config)})
            self.probes.take(self.step, self.model)

    def _is_best(self) -> bool:
        return self.checkpoints.is_best(self.steering.measure(self.step, self.model))

    def _save(self) -> None:
        with self.pace.saving():
            self._require_sound()
            state = {
                "windows": self.learner.batches.state(),
                "random": devices.random_state(self.device),
                "seconds": self.board.seconds,
                "training_began": self.began,
                **self.steering.state(),
            }
            val_loss = self.steering.measured(self.step)
            self.checkpoints.save(
                self.step, self.model, self.data.tokenizer, self.learner.optimizer_tensors, state, val_loss
            )

    def _time_left(self) -> float | None:
        config = self.config
        if config.until_val_loss is not None:
            return None
        left = []
        if config.steps is not None:
            per_step = (self.board.seconds - self.began) / self.step
            left.append((config.steps - self.step) * per_step)
        if config.seconds is not None:
            left.append(config.seconds - self.board.seconds)
        return max(0.0, min(left))

    def _finish(self, reason: str) -> None:
        """Save, find the best checkpoint's loss on the whole validation text, and say how it ended."""
        self.board.say("training.doing_confirm")
        if self.losses:
            self._point(with_validation=True)
        measured = {"val_loss": self.steering.measure(self.step, self.model), **self.validation.details}
        self._save()
        if reason != "stop" and self.step not in [line["step"] for line in runs.samples(self.run)]:
            self._look()
        if reason != "stop" or self.validation.whole_seconds() <= PATIENCE_AFTER_STOP:
            self._confirm_best(reason)
        self.checkpoints.prune(keep=1)
        best = self.checkpoints.best
        assert best is not None
        pace = self.pace.overall() or self.board.now.tokens_per_second
        kept = {
            "checkpoint": best["name"],
            "val_loss": best["val_loss"] if best["whole"] is None else best["whole"],
            "val_share": self.share if best["whole"] is not None else None,
        }
        self.board.complete_last_point(self.step, measured, kept)
        self.board.end("stopped" if reason == "stop" else "finished", step=self.step, tokens_per_second=pace, **kept)
        if pace:
            cost.remember(self.config, self.model.config, pace, self.device.type)

    def _too_long_to_confirm(self) -> bool:
        return self.config.seconds is not None and self.validation.whole_seconds() > self.config.seconds / 2

    def _confirm_partly(self) -> None:
        best = self.checkpoints.best
        assert best is not None
        assert self.config.seconds is not None
        chosen = self.checkpoints.folder / best["name"]
        load_weights(self.model, chosen)
        pace = self.validation.tokens_per_second or 0.0
        left = max(1.0, self.config.seconds - self.board.seconds - 0.3)
        loss, self.share = self.validation.spread_loss(self.model, int(pace * left))
        self.checkpoints.crown(chosen, best["val_loss"], whole=loss)

    def _confirm_best(self, reason: str) -> None:
        """Of the last checkpoint and the best so far, crown the one that is better on the whole validation text.

        When there is no time left for all of a very long text, the best so far stays, measured on a part of it.
        """
        if self._too_long_to_confirm():
            self._confirm_partly()
            return
        whole = self.steering.confirm(self.step, self.model, self.board.beat)
        last, best = self.checkpoints.path(self.step), self.checkpoints.best
        assert best is not None
        if best["name"] != last.name and reason != "until_val_loss":
            rival = last.with_name(best["name"])
            load_weights(self.model, rival)
            other = self.validation.whole_loss(self.model, self.board.beat)
            if other < whole:
                self.checkpoints.crown(rival, best["val_loss"], whole=other)
                return
        self.checkpoints.crown(last, self.steering.measure(self.step, self.model), whole=whole)
