"""Training a recogniser: rows of clips in, CTC out, as long as the clock says."""

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from swaram.prepare.manifest import Clip
from swaram.recognition import checkpoints
from swaram.recognition.augmentation import cuts_of
from swaram.recognition.batches import PACES, SPEEDS, Batch, Corpus, Place, RowMaker, typical_of
from swaram.recognition.dataset import Selection
from swaram.recognition.decoding import BLANK, greedy
from swaram.recognition.error_rates import error_rate
from swaram.recognition.errors import RecognizerError
from swaram.recognition.features import FeatureSettings
from swaram.recognition.losses import ctc, disagreement
from swaram.recognition.network import Network, NetworkSettings, listen
from swaram.recognition.units import UnitTable
from swaram.training.checkpoints import optimizer_tensors, restore_optimizer
from swaram.training.ema import MovingAverage


@dataclass(frozen=True)
class Plan:
    """How long and how: the learning rate follows the minutes trained, not the steps, so a run ends annealed."""

    minutes: float = 75.0
    learning_rate: float = 1.5e-3
    warm_up: float = 0.03  # share of the minutes
    rows: int = 3
    row_frames: int = 1002  # mel frames; about ten seconds
    weight_decay: float = 0.05
    average: float = 0.999
    middle: float = 0.3  # weight of the loss half way up
    consistency: float = 0.2  # weight of what two views of the same rows say differently; 0: one view
    mixed: float = 0.3  # share of rows into which another is mixed
    beside: float = 0.3  # weight of what the network beside, if there is one, says differently
    join_at: tuple[float, ...] = (0.12, 0.25, 0.4)  # shares of the minutes at which candidates may join
    splice_at: float = 0.2  # share of the minutes after which clips are cut between syllables and mixed
    report_minutes: float = 3.0
    max_steps: int = 1 << 30
    seed: int = 1
    speeds: tuple[float, ...] = SPEEDS
    paces: tuple[float, float] = PACES
    augment_from: float = 0.05  # share of the minutes before which clips are left as they are, so that CTC takes hold


class Trainer:
    """One run: everything that learns and where it is.

    Args:
        selection: the clips.
        language: code of the language.
        folder: where ``newest`` and ``best`` are written, and ``log.jsonl``.
        plan, network: how to train, and what.
    """

    def __init__(
        self, selection: Selection, language: str, folder: Path, plan: Plan, network: NetworkSettings | None = None
    ) -> None:
        self.selection, self.folder, self.plan = selection, folder, plan
        self.settings, self.features = network or NetworkSettings(), typical_of(selection.train)
        self.units = UnitTable.for_texts(language, [clip.text for clip in selection.train])
        self.step = self.epoch = self.position = 0
        self.seconds = 0.0
        self.best: float | None = None
        self.joined: list[str] = []
        self.offered = 0
        self.earlier = {"step": 0, "epoch": 0, "seconds": 0.0}  # of the runs whose weights this one began with
        self.other: Network | None = None
        torch.manual_seed(plan.seed)
        self.network = Network(self.settings, self.features.n_mels, len(self.units))
        self.corpus = Corpus(self.features, self.units, self.settings.stride)
        self.judges = Corpus(self.features, self.units, self.settings.stride)
        self.refused = self.corpus.add(selection.train, plan.speeds, plan.row_frames)
        self.judges.add(selection.val, (1.0,), longest=1 << 30)
        if not self.corpus.clips or not self.judges.clips:
            raise RecognizerError("training needs clips in the train and val splits; prepare more data")
        mean, deviation = self.corpus.moments()
        self.network.mean.copy_(torch.from_numpy(mean))
        self.network.deviation.copy_(torch.from_numpy(deviation))
        self._restart()

    def _restart(self) -> None:
        self.average = MovingAverage(self.network, self.plan.average)
        wide = [p for p in self.network.parameters() if p.ndim > 1]
        narrow = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": wide, "weight_decay": self.plan.weight_decay}, {"params": narrow, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, self.plan.learning_rate, betas=(0.9, 0.98), fused=True)
        self.rows = RowMaker(self.corpus, self.plan.row_frames, self.plan.rows, self.plan.seed, self.plan.paces)

    def resume(self) -> None:
        """Go on from ``newest``. Raises RecognizerError where it is missing or of other units or sizes."""
        place = self.folder / "newest"
        state = self._read(place)
        self.network.load_state_dict(checkpoints.read_tensors(place, "network"))
        self.average.module.load_state_dict(checkpoints.read_tensors(place, "average"))
        restore_optimizer(self.optimizer, "adam", checkpoints.read_tensors(place, "optimizer"))
        for name in ("step", "epoch", "position", "seconds", "best", "joined", "offered"):
            setattr(self, name, state[name])
        self.earlier |= state.get("earlier", {})
        self.corpus.cuts = {id: [(unit, frame) for unit, frame in cuts] for id, cuts in state.get("cuts", {}).items()}
        self._take_in(self.joined)

    def warm_start(self, place: Path) -> None:
        """Begin with the averaged weights of a state, at step 0: one more descent of the learning rate.

        The candidates that had joined there join; all clips are cut and varied from the first step on. This run's
        kernels may be wider. Raises RecognizerError where the state is missing or of other units or sizes.
        """
        state = self._read(place, narrower=True)
        for network in (self.network, self.average.module):
            network.load_narrower(checkpoints.read_tensors(place, "average"))
        self.joined, self.offered = state["joined"], state["offered"]
        before = state.get("earlier", {})
        self.earlier = {name: state[name] + before.get(name, 0) for name in self.earlier}
        self._take_in(self.joined)
        self._cut()

    def stay_beside(self, place: Path) -> None:
        """Learn to say what the averaged network of a state says, at the same moments; it stays as it is.

        Networks that were trained apart speak up on different frames, so that their means say less than either; those
        trained beside each other can be exported as one. What had joined there joins. Raises RecognizerError where
        the state is missing or of other units or features.
        """
        other, features, units, state = checkpoints.load_network(place)
        if units.units != self.units.units or features != self.features:
            raise RecognizerError(f"{place} was trained on other texts; a network beside it would say other things")
        if other.settings.stride != self.settings.stride:
            raise RecognizerError(f"{place} speaks up every {other.settings.stride} frames, not {self.settings.stride}")
        self.other = other
        if not self.joined:
            self.joined, self.offered = state["joined"], state["offered"]
            self._take_in(self.joined)

    def _read(self, place: Path, narrower: bool = False) -> dict[str, Any]:
        state = checkpoints.read(place)
        same = state["units"] == self.units.units and FeatureSettings(**state["features"]) == self.features
        network = NetworkSettings(**state["network"])
        if not same or not (self.settings.widens(network) if narrower else self.settings.shape == network.shape):
            raise RecognizerError(f"{place} was trained on other texts or with another network; train anew")
        return state

    def _take_in(self, names: list[str]) -> None:
        """Candidates join in the order in which they once did."""
        offered = {clip.id: clip for clip in self.selection.candidates}
        again = [offered[name] for name in names if name in offered]
        self.corpus.add(again, self.plan.speeds, self.plan.row_frames)
        self.rows = RowMaker(self.corpus, self.plan.row_frames, self.plan.rows, self.plan.seed, self.plan.paces)

    def save(self, name: str, **facts: Any) -> None:
        """Write ``name`` under the folder: all that ``resume`` and the export need."""
        state = {
            "language": self.units.language,
            "units": self.units.units,
            "features": self.features.to_dict(),
            "network": self.settings.model_dump(mode="json"),
            **{k: getattr(self, k) for k in ("step", "epoch", "position", "seconds", "best", "joined", "offered")},
            "earlier": self.earlier,
            "clips": len(self.corpus.clips),
            "hours": sum(clip.seconds for clip in self.corpus.clips) / 3600,
            "speakers": len({clip.speaker for clip in self.corpus.clips}),
            "texts": len({clip.text for clip in self.corpus.clips}),
            "held_out": self.selection.held_out,
            "cuts": self.corpus.cuts if name == "newest" else {},
            **facts,
        }
        tensors = {"average": self.average.module.state_dict()}
        if name == "newest":
            tensors["network"] = self.network.state_dict()
            tensors["optimizer"] = optimizer_tensors(self.optimizer, "adam")
        checkpoints.save(self.folder / name, state, tensors)

    @property
    def progress(self) -> float:
        """Share of the planned minutes that are over."""
        return min(
            1.0,
            max(self.seconds / 60 / self.plan.minutes if self.plan.minutes else 1.0, self.step / self.plan.max_steps),
        )

    def run(self) -> None:
        """Train until the plan's end; state is written at every report and at the end."""
        reported = self.seconds
        losses: list[float] = []
        while self.progress < 1.0:
            batches = self.rows.epoch(self.epoch)
            while self.position < len(batches) and self.progress < 1.0:
                began = time.monotonic()
                losses.append(self._learn(self.next_batch(batches[self.position])))
                self.step += 1
                self.position += 1
                self.seconds += time.monotonic() - began
                if self.seconds - reported >= 60 * self.plan.report_minutes:
                    reported = self.seconds
                    self._report(losses)
                    losses = []
            if self.progress < 1.0:
                self.epoch, self.position = self.epoch + 1, 0
                self._welcome()
                self._cut()
        self._report(losses)

    def next_batch(self, rows: list[list[Place]]) -> Batch:
        """The batch of these rows at this step."""
        varied = self.progress >= self.plan.augment_from or self.earlier["step"] > 0
        if not varied:
            return self.rows.batch(rows, self.step, augment=False)
        return self.rows.batch(rows, self.step, views=2 if self.plan.consistency else 1, mixed=self.plan.mixed)

    def _learn(self, batch: Batch) -> float:
        rate = self._rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        torch.manual_seed(self.plan.seed * 1_000_003 + self.step)
        self.network.train()
        precise = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        with torch.autocast("cpu", torch.bfloat16, enabled=precise):
            top, middle = self.network.both(torch.from_numpy(batch.mel))
        loss = (ctc(top, batch) + self.plan.middle * ctc(middle, batch)) / (1 + self.plan.middle)
        told = float(loss.detach())
        if self.plan.consistency and batch.views > 1:
            loss = loss + self.plan.consistency * disagreement(top, batch.views) / int(batch.lengths.sum())
        if self.other is not None:
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precise):
                said = self.other(torch.from_numpy(batch.mel))
            apart = F.kl_div(top, said, reduction="sum", log_target=True)
            loss = loss + self.plan.beside * apart / int(batch.lengths.sum())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.update(self.network, self.step)
        return told

    def _rate(self) -> float:
        """Up, and down with a cosine."""
        plan, done = self.plan, self.progress
        if done < plan.warm_up:
            return plan.learning_rate * max(0.02, done / plan.warm_up)
        share = (done - plan.warm_up) / (1 - plan.warm_up)
        return plan.learning_rate * max(0.005, 0.5 + 0.5 * math.cos(math.pi * share))

    def judge(self, corpus: Corpus) -> tuple[float, list[float]]:
        """Greedy character error rate over a corpus, and the CTC cost for each unit of each clip."""
        heard, costs = [], []
        for copies, ids in zip(corpus.frames, corpus.targets, strict=True):
            out = listen(self.average.module, copies[0], self.settings.stride)
            heard.append(self.units.decode(greedy(out.numpy())))
            cost = F.ctc_loss(
                out[:, None], torch.tensor([ids]), torch.tensor([len(out)]), torch.tensor([len(ids)]), BLANK, "sum"
            )
            costs.append(float(cost) / len(ids))
        return error_rate([clip.text for clip in corpus.clips], heard), costs

    def _report(self, losses: list[float]) -> None:
        rate, costs = self.judge(self.judges)
        row = {
            "step": self.step, "epoch": self.epoch, "minutes": round(self.seconds / 60, 2),
            "loss": round(float(np.mean(losses)), 4) if losses else None, "val_cer": round(rate, 4),
            "val_cost": round(float(np.mean(costs)), 4), "clips": len(self.corpus.clips),
            "rate": round(self._rate(), 6),
        }  # fmt: skip
        if self.best is None or rate < self.best:
            self.best = rate
            self.save("best", val_cer=rate)
        self.save("newest", val_cer=rate)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")
        print(time.strftime("%H:%M:%S"), *(f"{name} {value}" for name, value in row.items()), flush=True)

    def _cut(self) -> None:
        """Let the averaged network find where clips may be cut; once for each clip, so that a run can go on exactly."""
        if self.progress < self.plan.splice_at and not self.earlier["step"]:
            return
        for clip, copies, ids in zip(self.corpus.clips, self.corpus.frames, self.corpus.targets, strict=True):
            if clip.id not in self.corpus.cuts:
                length = clip.seconds / self.features.frame_seconds
                mel = min(copies, key=lambda copy: abs(len(copy) - length))
                found = cuts_of(listen(self.average.module, mel, self.settings.stride).numpy(), mel, ids, self.units)
                ratio = length / len(mel)
                self.corpus.cuts[clip.id] = [(unit, round(frame * ratio)) for unit, frame in found]

    def _welcome(self) -> None:
        """Take in the candidates that the network hears as their text no worse than nine in ten validation clips."""
        due = sum(self.progress >= share for share in self.plan.join_at)
        if due <= self.offered or not self.selection.candidates:
            return
        self.offered = due
        limit = float(np.percentile(self.judge(self.judges)[1], 90))
        known = set(self.joined)
        accepted: list[Clip] = []
        for clip in self.selection.candidates:
            if clip.id in known:
                continue
            alone = Corpus(self.features, self.units, self.settings.stride)
            if not alone.add([clip], (1.0,), longest=self.plan.row_frames) and self.judge(alone)[1][0] <= limit:
                accepted.append(clip)
        self.corpus.add(accepted, self.plan.speeds, self.plan.row_frames)
        self.joined += [clip.id for clip in accepted]
        self.rows = RowMaker(self.corpus, self.plan.row_frames, self.plan.rows, self.plan.seed, self.plan.paces)
        self.save("newest")
        offered = len(self.selection.candidates) - len(known)
        print(f"{len(accepted)} of {offered} candidates join (at most {limit:.2f} nats a unit)", flush=True)
