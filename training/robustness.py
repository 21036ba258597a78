"""How much a bundle's quality depends on how a question is asked.

python -m training.robustness nli_tagger/models/default --data FOLDER
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import mean, pstdev

import click
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from nli_tagger import LabelSet, Tagger
from nli_tagger.aggregation import sigmoid
from nli_tagger.hypotheses import readable
from nli_tagger.labels import MAX_LABELS
from training.evaluate import environment
from training.label_sets import LabelledSet, labelled_sets, score_texts
from training.metrics import expected_calibration_error, multi_label, single_label_f1

TEMPLATES = (
    "This {type} is tagged {label}.",
    "This {type} is about {label}.",
    "The label {label} fits this {type}.",
    "{label}.",
    "It can be described as {label}.",
)
IRRELEVANT = (
    "beekeeping,glacier,opera singer,plumbing,volcano,chess opening,knitting pattern,submarine,vineyard,origami,"
    "falconry,tax haven,lighthouse,marathon,saxophone,greenhouse,comet,tapestry,ferry timetable,dentistry,"
    "archery,coral reef,typography,sourdough,parachute,monastery,locksmith,hailstorm,puppetry,windmill,"
    "harbour pilot,crossword,geyser,taxidermy,tugboat,calligraphy,badminton,aqueduct,accordion,ice rink,"
    "quarry,trampoline,lichen,drawbridge,fencing,sundial,cobbler,hot air balloon,moss garden,bell tower,"
    "abacus,anvil,aurora,badger,barometer,bassoon,beaver dam,bobsleigh,bonsai,boomerang,"
    "butter churn,cable car,cactus,canoe,caravan,carillon,catapult,cello,chimney sweep,clarinet,"
    "clockmaker,compost heap,croquet,curling,dandelion,dragonfly,driftwood,dulcimer,easel,eclipse,"
    "edelweiss,fjord,fossil,foxglove,gargoyle,gondola,grappling hook,hammock,harpsichord,heather moor,"
    "hedgehog,hieroglyph,hurdling,igloo,jackdaw,javelin,juggling,kayak,kelp forest,lace making,"
    "lacrosse,lagoon,lava lamp,leather tanning,maypole,meteorite,mistletoe,mosaic,narrowboat,oboe,"
    "otter,paper mill,peat bog,penny farthing,periscope,pinhole camera,polo match,porcelain,quill pen,rapids"
).split(",")
"""Labels that no development set speaks of."""

CASES: dict[str, Callable[[str], str]] = {
    "snake_case": lambda label: "_".join(readable(label).lower().split()),
    "Title Case": lambda label: readable(label).title(),
    "lower case": lambda label: readable(label).lower(),
}


@dataclass(frozen=True)
class WordedLabels(LabelSet):
    """Labels asked in another sentence than the product's; `{type}` and `{label}` are filled in."""

    template: str = TEMPLATES[0]

    @cached_property
    def hypotheses(self) -> tuple[str, ...]:
        """One sentence a label."""
        asked = zip(self.names, self.descriptions, strict=True)
        worded = [f"{readable(name)}: {described}".rstrip(" :.") for name, described in asked]
        return tuple(self.template.format(label=label, type=self.text_type or "text") for label in worded)


def variants() -> dict[str, Callable[[LabelSet], LabelSet]]:
    """Every way of asking, by name; the first is the product's own."""
    plain: dict[str, Callable[[LabelSet], LabelSet]] = {
        "as served": lambda labels: labels,
        "without descriptions": lambda labels: replace(labels, descriptions=("",) * len(labels.names)),
        "without text type": lambda labels: replace(labels, text_type=None),
        "with 50 irrelevant labels": _with_irrelevant,
    }
    cased = {name: _recased(change) for name, change in CASES.items()}
    return plain | cased | {f"template {template!r}": _worded(template) for template in TEMPLATES}


def _with_irrelevant(labels: LabelSet) -> LabelSet:
    return _widened(labels, 50)


def _widened(labels: LabelSet, count: int) -> LabelSet:
    room = min(count, MAX_LABELS - len(labels.names))
    more = tuple(name for name in IRRELEVANT if name not in labels.names)[:room]
    return replace(labels, names=labels.names + more, descriptions=labels.descriptions + ("",) * len(more))


def _recased(change: Callable[[str], str]) -> Callable[[LabelSet], LabelSet]:
    return lambda labels: replace(labels, names=tuple(map(change, labels.names)))


def _worded(template: str) -> Callable[[LabelSet], LabelSet]:
    return lambda labels: WordedLabels(labels.names, labels.descriptions, labels.text_type, template)


def measure(tagger: Tagger, sets: list[LabelledSet]) -> Iterator[tuple[str, float]]:
    """Each variant's name and its mean score over the sets."""
    for name, change in variants().items():
        yield name, mean(_score(tagger, labelled, change(labelled.labels)) for labelled in sets)


def _score(tagger: Tagger, labelled: LabelledSet, asked: LabelSet) -> float:
    """Macro-F1 of a single-label set, mean average precision of a multi-label one, over the set's own labels."""
    logits = score_texts(tagger, replace(labelled, labels=asked))[:, : len(labelled.labels.names)]
    if labelled.schema.is_single:
        return single_label_f1(logits, labelled.gold)
    return multi_label(sigmoid(logits), labelled.gold).mean_average_precision


def wrongly_tagged(tagger: Tagger, sets: list[LabelledSet]) -> float:
    """Share of the texts to which no label applies that get one at 0.5."""
    wrong: list[bool] = []
    for labelled in sets:
        empty = [place for place, gold in enumerate(labelled.gold) if (gold == 0).all()]
        if empty and not labelled.schema.is_single:
            part = replace(labelled, texts=[labelled.texts[place] for place in empty])
            wrong += (score_texts(tagger, part) >= 0).any(axis=1).tolist()  # type: ignore[arg-type]
    return mean(wrong) if wrong else float("nan")


def calibration_by_size(tagger: Tagger, sets: list[LabelledSet], sizes: tuple[int, ...]) -> dict[int, float]:
    """Expected calibration error when a text is asked that many labels: its own and labels of no set."""
    found: dict[int, list[float]] = {size: [] for size in sizes}
    for labelled in (s for s in sets if not s.schema.is_single):
        wide = replace(labelled, labels=_widened(labelled.labels, max(sizes)))
        probabilities = sigmoid(score_texts(tagger, wide))
        extra = probabilities.shape[1] - labelled.gold.shape[1]
        gold = np.hstack([labelled.gold, np.zeros((len(labelled.texts), extra), np.int8)])
        for size in sizes:
            found[size].append(expected_calibration_error(probabilities[:, :size], gold[:, :size]))
    return {size: mean(errors) for size, errors in found.items()}


@click.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--texts", default=20, show_default=True, help="Texts of each set.")
@click.option("--json", "report", type=click.Path(path_type=Path), help="Write all figures to this file.")
def main(bundle: Path, data: Path, texts: int, report: Path | None) -> None:
    """Measures how robust a bundle is."""
    tagger, sets = Tagger(bundle), list(labelled_sets(data, texts))
    measured = dict(track(measure(tagger, sets), total=len(variants()), console=Console(stderr=True)))
    templates = [score for name, score in measured.items() if name.startswith("template")]
    figures = {
        "model": tagger.bundle.digest,
        "environment": environment(),
        "scores": measured,
        "deviation over templates": pstdev(templates),
        "texts without a label that get one": wrongly_tagged(tagger, sets),
        "calibration error by number of labels": calibration_by_size(tagger, sets, (2, 8, 32, 128)),
    }
    _print(figures)
    if report:
        report.write_text(json.dumps(figures, indent=2) + "\n")


def _print(figures: dict) -> None:
    table = Table("asked", "score", "change")
    first = next(iter(figures["scores"].values()))
    for name, score in figures["scores"].items():
        table.add_row(name, f"{score:.3f}", f"{score - first:+.3f}")
    console = Console(width=110)
    console.print(table)
    for name in ("deviation over templates", "texts without a label that get one"):
        console.print(f"{name}: {figures[name]:.3f}")
    sizes = figures["calibration error by number of labels"].items()
    console.print("ECE by number of labels: " + ", ".join(f"{size}: {error:.3f}" for size, error in sizes))


if __name__ == "__main__":
    main()
