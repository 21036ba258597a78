"""Trains the default model: data folder in, checkpoint out.

    python -m training.default_model --data FOLDER --output runs/default

starts from the all-MiniLM-L6-v2 encoder. `--start CHECKPOINT` continues from an earlier model
(a further stage); running the same command again resumes where it stopped.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import torch
from tokenizers import Tokenizer
from transformers import BertModel

from training.batches import Encoder, TrainingBatch, collate, grouped
from training.data import Schema, read_nli, read_schemas, read_texts
from training.deberta import OneWayDeberta, from_bert
from training.default_model.mix import Mix, Plan, plan
from training.embeddings import SentenceEncoder, minilm_folder
from training.examples import ExampleMaker, Habits
from training.loop import Optimisation, Trainer


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option(
    "--start", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Checkpoint to go on from."
)
@click.option("--rate", default=2e-4, show_default=True, help="Peak learning rate.")
@click.option("--passes", default=1.0, show_default=True, help="How much of the mix to train on; 0.1 is a tenth.")
@click.option("--written-repeats", default=2, show_default=True)
@click.option("--nli-premises", default=45_000, show_default=True)
@click.option("--public-scale", default=1.0, show_default=True)
@click.option("--batch-tokens", default=4500, show_default=True, help="Padded tokens of a batch.")
@click.option("--seed", default=1, show_default=True)
def main(
    data: Path,
    output: Path,
    start: Path | None,
    rate: float,
    passes: float,
    written_repeats: int,
    nli_premises: int,
    public_scale: float,
    batch_tokens: int,
    seed: int,
) -> None:
    """Trains the default model on a data folder."""
    torch.manual_seed(seed)
    mix, optimisation = Mix(written_repeats, nli_premises, public_scale), Optimisation(peak_rate=rate)
    drawn = _plan(data, mix, passes, seed)
    encoder = Encoder(Tokenizer.from_file(str(minilm_folder() / "tokenizer.json")))
    encoder.tokenizer.no_truncation()
    encoder.tokenizer.no_padding()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = OneWayDeberta.load(start) if start else OneWayDeberta(from_bert(BertModel.from_pretrained(minilm_folder())))
    groups = _groups(drawn, encoder, batch_tokens)
    trainer = Trainer(model.to(device), output, len(groups), optimisation)
    _describe(output, mix, optimisation, drawn, start)
    trainer.resume()
    trainer.run(_batches(groups[trainer.step :], drawn, encoder))


def _plan(data: Path, mix: Mix, passes: float, seed: int) -> Plan:
    schemas = read_schemas(data)
    maker = ExampleMaker(schemas, label_neighbours(schemas), Habits())
    drawn = plan(maker, read_texts(data, schemas), read_nli(data), mix, seed)
    drawn.jobs = drawn.jobs[: int(len(drawn.jobs) * passes)]
    return drawn


def label_neighbours(schemas: dict[str, Schema]) -> dict[str, list[list[int]]]:
    """For every label of every set, the set's other labels, most similar first (by embedding of the names)."""
    names = [name for schema in schemas.values() for name in schema.names]
    vectors = iter(SentenceEncoder()(names).split([len(schema.names) for schema in schemas.values()]))
    result = {}
    for key, own in zip(schemas, vectors, strict=True):
        order = (own @ own.T - 2 * torch.eye(len(own))).argsort(dim=-1, descending=True)
        result[key] = order[:, :-1].tolist()
    return result


def _groups(drawn: Plan, encoder: Encoder, batch_tokens: int) -> list[list[int]]:
    """The order of training as lists of places in the plan, grouped by size."""
    sizes = _Sizes(drawn, encoder)
    return [[e.place for e in group] for group in grouped(sizes, batch_tokens, random.Random(drawn.seed))]


class _Sizes:
    """Shapes of all examples without keeping their tokens: a pass is larger than it need be in memory."""

    def __init__(self, drawn: Plan, encoder: Encoder) -> None:
        self.drawn, self.encoder = drawn, encoder

    def __iter__(self) -> Iterator["_Placed"]:
        for first in range(0, len(self.drawn.jobs), 1024):
            places = range(first, min(first + 1024, len(self.drawn.jobs)))
            for place, encoded in zip(places, self.encoder([self.drawn.example(p) for p in places]), strict=True):
                yield _Placed(place, encoded.shape)


@dataclass(frozen=True)
class _Placed:
    """The shape of the example at a place of the plan."""

    place: int
    shape: tuple[int, int, int]


def _batches(groups: list[list[int]], drawn: Plan, encoder: Encoder) -> Iterator[TrainingBatch]:
    for group in groups:
        yield collate(encoder([drawn.example(place) for place in group]))


def _recipe_of(checkpoint: Path) -> Any:
    """The recipe of the stage that made a checkpoint, or its name where that is not known."""
    recipe = checkpoint.parent / "recipe.json"
    return json.loads(recipe.read_text()) if recipe.exists() else checkpoint.name


def _describe(output: Path, mix: Mix, optimisation: Optimisation, drawn: Plan, start: Path | None) -> None:
    output.mkdir(parents=True, exist_ok=True)
    recipe = {
        "start": _recipe_of(start) if start else "all-MiniLM-L6-v2",
        "mix": asdict(mix),
        "habits": asdict(drawn.maker.habits),
        "optimisation": asdict(optimisation),
        "examples": len(drawn.jobs),
        "seed": drawn.seed,
    }
    (output / "recipe.json").write_text(json.dumps(recipe, indent=2) + "\n")


if __name__ == "__main__":
    main()
