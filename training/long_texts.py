"""How the scores of a long text's windows are best put together, measured on texts of about three pages.

python -m training.long_texts nli_tagger/models/default --data FOLDER

Long texts are made of a development folder's short ones: a topic that is everywhere, one relevant
passage among others of another kind, and a verdict in the last lines.
"""

import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from nli_tagger import LabelSet, Tagger
from nli_tagger.aggregation import over_windows, sigmoid
from nli_tagger.tagger import WINDOW_OVERLAP
from nli_tagger.windows import windows
from training.evaluate import environment
from training.label_sets import LabelledSet, labelled_sets

PAGES = 6000
"""Characters of three pages."""
_FEELINGS = frozenset({"sentiment", "emotion", "safety", "finance"})

Aggregation = Callable[[np.ndarray], np.ndarray]


def _highest(share: Callable[[int], float]) -> Aggregation:
    """Mean of that many of each label's highest windows."""
    return lambda logits: np.sort(logits, axis=0)[-max(1, round(share(len(logits)))) :].mean(axis=0)


def _soft(sharpness: float) -> Aggregation:
    """Between the mean (0) and the maximum (large): log of the mean power."""
    return lambda logits: np.log(np.exp(sharpness * logits).mean(axis=0)) / sharpness


AGGREGATIONS: dict[str, Aggregation] = {
    "served": over_windows,
    "highest": _highest(lambda count: 1),
    "mean of the root highest": _highest(math.sqrt),
    "mean of the upper half": _highest(lambda count: count / 2),
    "mean": _highest(lambda count: count),
    "soft, 0.5": _soft(0.5),
    "soft, 1": _soft(1.0),
    "soft, 2": _soft(2.0),
}


@dataclass(frozen=True)
class LongText:
    """A composed text with the labels of one set. gold: int8 [labels]; 1 yes, 0 no, -1 open."""

    text: str
    labels: LabelSet
    gold: np.ndarray


def everywhere(sets: list[LabelledSet], rng: random.Random) -> Iterator[LongText]:
    """Texts of one label, one after the other."""
    for labelled in _of(sets, lambda s: s.schema.is_single and s.schema.family in ("topic", "document")):
        for label in range(len(labelled.labels.names)):
            own = [t for t, gold in zip(labelled.texts, labelled.gold, strict=True) if gold[label] == 1]
            if own:
                yield LongText(
                    _grown([], own, rng), labelled.labels, np.eye(len(labelled.gold[0]), dtype=np.int8)[label]
                )


def one_passage(sets: list[LabelledSet], rng: random.Random) -> Iterator[LongText]:
    """One text with a label, somewhere among texts of other kinds."""
    for labelled in _of(sets, lambda s: s.schema.family in ("topic", "intent", "tagging", "statement")):
        yield from _among(labelled, sets, rng, last=False)


def last_lines(sets: list[LabelledSet], rng: random.Random) -> Iterator[LongText]:
    """A verdict at the end of texts that pass none."""
    for labelled in _of(sets, lambda s: s.schema.family == "sentiment"):
        yield from _among(labelled, sets, rng, last=True)


CASES = {"everywhere": everywhere, "one passage": one_passage, "last lines": last_lines}


def _of(sets: list[LabelledSet], wanted: Callable[[LabelledSet], bool]) -> list[LabelledSet]:
    return [labelled for labelled in sets if wanted(labelled)]


def _among(labelled: LabelledSet, sets: list[LabelledSet], rng: random.Random, *, last: bool) -> Iterator[LongText]:
    family = labelled.schema.family
    others = [t for s in sets if s.schema.family not in (family, *_FEELINGS) for t in s.texts if len(t) < 800]
    for text, gold in zip(labelled.texts, labelled.gold, strict=True):
        if others and len(text) < 1500 and (gold == 1).any():
            filler = _grown([], others, rng).split("\n\n")
            filler.insert(len(filler) if last else rng.randint(0, len(filler)), text)
            yield LongText("\n\n".join(filler), labelled.labels, gold)


def _grown(start: list[str], pool: list[str], rng: random.Random) -> str:
    parts = list(start)
    while sum(map(len, parts)) < PAGES:
        parts.append(rng.choice(pool).replace("\n\n", "\n"))
    return "\n\n".join(parts)


def window_logits(tagger: Tagger, text: LongText) -> np.ndarray:
    """Calibrated logits [windows, labels]."""
    reading = tagger.read(text.text, text.labels)
    parts = windows(reading.text, tagger.scorer.window_tokens, WINDOW_OVERLAP)
    logits = np.stack([tagger.scorer.score(window.ids, reading.hypotheses) for window in parts])
    calibration = tagger.bundle.manifest.calibration
    return logits * calibration.scale + calibration.bias


@dataclass(frozen=True)
class Figures:
    """Micro-F1 at 0.5 over all pairs, and how often the highest label applies."""

    micro_f1: float
    first_is_right: float


def figures(scored: list[tuple[np.ndarray, np.ndarray]], aggregation: Aggregation) -> Figures:
    """`scored` holds window logits [windows, labels] and gold [labels] of each text."""
    right = chosen = wanted = first = 0
    for logits, gold in scored:
        combined = aggregation(logits)
        yes = (sigmoid(combined) >= 0.5) & (gold >= 0)
        right += int((yes & (gold == 1)).sum())
        chosen += int(yes.sum())
        wanted += int((gold == 1).sum())
        first += int(gold[int(np.argmax(np.where(gold >= 0, combined, -np.inf)))] == 1)
    return Figures(2 * right / max(1, chosen + wanted), first / max(1, len(scored)))


@click.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--texts", default=150, show_default=True, help="Long texts of each case.")
@click.option("--json", "report", type=click.Path(path_type=Path), help="Write all figures to this file.")
def main(bundle: Path, data: Path, texts: int, report: Path | None) -> None:
    """Compares aggregations."""
    tagger, sets = Tagger(bundle), list(labelled_sets(data, 40))
    console, found = Console(width=110), {}
    for case, compose in CASES.items():
        rng = random.Random(case)
        drawn = list(compose(sets, rng))
        sample = rng.sample(drawn, min(texts, len(drawn)))
        progress = track(sample, case, console=Console(stderr=True))
        scored = [(window_logits(tagger, text), text.gold) for text in progress]
        found[case] = {name: figures(scored, aggregation) for name, aggregation in AGGREGATIONS.items()}
    table = Table("aggregation", *(f"{case}: F1 at 0.5, first right" for case in CASES))
    for name in AGGREGATIONS:
        cells = [found[case][name] for case in CASES]
        table.add_row(name, *(f"{cell.micro_f1:.3f}  {cell.first_is_right:.3f}" for cell in cells))
    console.print(table)
    if report:
        plain = {case: {name: vars(cell) for name, cell in rows.items()} for case, rows in found.items()}
        report.write_text(json.dumps({"environment": environment(), "cases": plain}, indent=2) + "\n")


if __name__ == "__main__":
    main()
