"""The training loop on a small model: it learns, and resuming continues the same run."""

import json
from itertools import islice

import pytest
import torch

from training.batches import Encoded, TrainingBatch, collate
from training.deberta import OneWayDeberta
from training.loop import Optimisation, Trainer
from training.losses import entailment_loss

OPTIMISATION = Optimisation(peak_rate=1e-3)


@pytest.fixture
def model(small_checkpoint) -> OneWayDeberta:
    return OneWayDeberta.load(small_checkpoint)


@pytest.fixture
def batches() -> list[TrainingBatch]:
    """A rule to learn: a hypothesis is entailed when its first token is the premise's."""
    examples = [
        Encoded([101, word, 102], [[word, 102], [other, 102]], (True, False))
        for word, other in [(1000, 2000), (2000, 3000), (3000, 1000), (4000, 2000)]
    ]
    return [collate(examples)] * 60


def loss_of(model: OneWayDeberta, batch: TrainingBatch) -> float:
    with torch.inference_mode():
        return entailment_loss(model(batch.inputs), batch.targets, batch.weights).item()


def test_training_lowers_the_loss_and_writes_the_checkpoint(model, batches, tmp_path):
    trainer = Trainer(model, tmp_path, len(batches), OPTIMISATION)
    before = loss_of(model, batches[0])
    trainer.run(batches)
    assert loss_of(OneWayDeberta.load(tmp_path / "final").eval(), batches[0]) < 0.9 * before
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [50]


def test_resuming_continues_where_the_checkpoint_is(small_checkpoint, batches, tmp_path):
    whole = Trainer(OneWayDeberta.load(small_checkpoint), tmp_path / "whole", 20, OPTIMISATION)
    whole.run(batches[:20])

    first = Trainer(OneWayDeberta.load(small_checkpoint), tmp_path / "parts", 20, OPTIMISATION)
    for batch in batches[:8]:
        first._train_on(batch)
    first.save()
    second = Trainer(OneWayDeberta.load(small_checkpoint), tmp_path / "parts", 20, OPTIMISATION)
    assert second.resume()
    assert second.step == 8
    second.run(islice(batches, 8, 20))

    expected, found = whole.model.state_dict(), second.model.state_dict()
    assert all(torch.allclose(expected[name], found[name], atol=1e-5) for name in expected)


def test_without_a_checkpoint_there_is_nothing_to_resume(model, tmp_path):
    assert not Trainer(model, tmp_path, 10, OPTIMISATION).resume()


def test_word_embeddings_stay_as_they_were(model, batches, tmp_path):
    words = model.checkpoint.deberta.embeddings.word_embeddings.weight
    before = words.detach().clone()
    Trainer(model, tmp_path, 10, OPTIMISATION).run(batches[:10])
    assert torch.equal(before, words)


def test_the_rate_rises_then_falls_to_nothing(model, batches, tmp_path):
    trainer = Trainer(model, tmp_path, 40, OPTIMISATION)
    rates = []
    for batch in batches[:40]:
        rates.append(trainer.schedule.get_last_lr()[0])
        trainer._train_on(batch)
    assert rates[0] < rates[1] == max(rates)
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert trainer.schedule.get_last_lr()[0] == 0


def test_a_loss_that_is_not_finite_stops_the_run(model, batches, tmp_path):
    with torch.no_grad():
        model.checkpoint.classifier.bias.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="lower rate"):
        Trainer(model, tmp_path, 5, OPTIMISATION).run(batches[:5])


def test_an_interrupted_save_keeps_the_previous_checkpoint(model, batches, tmp_path, monkeypatch):
    trainer = Trainer(model, tmp_path, 10, OPTIMISATION)
    trainer.save()
    before = (tmp_path / "resume.pt").read_bytes()

    def fails(state, path):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(OSError, match="disk full"):
        trainer.save()
    assert (tmp_path / "resume.pt").read_bytes() == before
