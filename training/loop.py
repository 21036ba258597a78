"""The training loop: mixed precision, linear decay, a checkpoint every few minutes, resume."""

import json
import math
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from training.batches import TrainingBatch
from training.deberta import OneWayDeberta
from training.losses import entailment_loss, listwise_loss


@dataclass(frozen=True)
class Optimisation:
    """What the loop does with a batch. Rates follow model-anchors: small encoders want more than 2e-5."""

    peak_rate: float = 2e-4
    warmup: float = 0.05
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.01
    clip: float = 1.0
    listwise: float = 0.5
    checkpoint_minutes: float = 10.0


class Trainer:
    """Trains one model on a stream of batches; `folder` holds the log and the newest checkpoint."""

    def __init__(self, model: OneWayDeberta, folder: Path, steps: int, optimisation: Optimisation) -> None:
        self.model, self.folder, self.steps, self.settings = model, folder, steps, optimisation
        self.device = next(model.parameters()).device
        # the word embeddings stay as they were: their knowledge of words is wider than the training data
        model.checkpoint.deberta.embeddings.word_embeddings.weight.requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            _decay_groups(model, optimisation.weight_decay),
            lr=optimisation.peak_rate,
            betas=optimisation.betas,
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self._rate)
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, batches: Iterable[TrainingBatch]) -> None:
        """Trains on every batch; writes `log.jsonl` and, at the end, the checkpoint folder `final`."""
        self.model.train()
        saved, window = time.monotonic(), _Window()
        with tqdm(total=self.steps, initial=self.step, unit="step", mininterval=30, dynamic_ncols=True) as bar:
            for batch in batches:
                window.add(self._train_on(batch), batch.tokens)
                bar.update()
                if self.step % 50 == 0:
                    bar.set_postfix(self._record(window))
                    window = _Window()
                if time.monotonic() - saved > self.settings.checkpoint_minutes * 60:
                    self.save()
                    saved = time.monotonic()
        self.model.save(self.folder / "final")

    def save(self) -> None:
        """Writes the state to resume from; an interrupted write leaves the previous one in place."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "settings": asdict(self.settings),
        }
        unfinished = self.folder / "resume.pt.new"
        torch.save(state, unfinished)
        unfinished.replace(self.folder / "resume.pt")

    def resume(self) -> bool:
        """Continues from the newest checkpoint, if there is one."""
        path = self.folder / "resume.pt"
        if not path.exists():
            return False
        state = torch.load(path, weights_only=True, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.step = state["step"]
        return True

    def _train_on(self, batch: TrainingBatch) -> float:
        with torch.autocast(self.device.type, torch.bfloat16):
            logits = self.model(batch.inputs)
        loss = self._loss(logits, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.schedule.step()
        self.step += 1
        return loss.item()

    def _loss(self, logits: Tensor, batch: TrainingBatch) -> Tensor:
        binary = entailment_loss(logits, batch.targets, batch.weights)
        return binary + self.settings.listwise * listwise_loss(logits, batch.targets, batch.asked)

    def _rate(self, step: int) -> float:
        warmup = max(1, int(self.settings.warmup * self.steps))
        return min((step + 1) / warmup, max(0.0, (self.steps - step) / max(1, self.steps - warmup)))

    def _record(self, window: "_Window") -> dict[str, str]:
        entry = {
            "step": self.step,
            "loss": window.loss,
            "rate": self.schedule.get_last_lr()[0],
            "tokens_s": window.speed,
        }
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(entry) + "\n")
        return {"loss": f"{window.loss:.4f}", "lr": f"{entry['rate']:.1e}", "tok/s": f"{window.speed:.0f}"}


class _Window:
    """Loss and speed since the last line of the log."""

    def __init__(self) -> None:
        self.started, self.tokens = time.monotonic(), 0
        self.losses: list[float] = []

    def add(self, loss: float, tokens: int) -> None:
        if not math.isfinite(loss):
            raise FloatingPointError("The loss is not finite; resume from the checkpoint with a lower rate.")
        self.losses.append(loss)
        self.tokens += tokens

    @property
    def loss(self) -> float:
        return sum(self.losses) / max(1, len(self.losses))

    @property
    def speed(self) -> float:
        return self.tokens / (time.monotonic() - self.started)


def _decay_groups(model: OneWayDeberta, weight_decay: float) -> list[dict]:
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    decayed = [p for name, p in trained if p.ndim > 1 and "embeddings" not in name]
    plain = [p for name, p in trained if p.ndim <= 1 or "embeddings" in name]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
