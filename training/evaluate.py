"""How good a bundle is on label sets it was not trained on, beside an embedding baseline in the same run.

python -m training.evaluate nli_tagger/models/default --data FOLDER
"""

import json
import platform
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

import click
import numpy as np
import onnxruntime
from rich.console import Console
from rich.progress import track
from rich.table import Table

from nli_tagger import Tagger
from nli_tagger.aggregation import sigmoid
from nli_tagger.runtime import available_cores
from training.embeddings import SentenceEncoder
from training.label_sets import LabelledSet, labelled_sets, score_texts
from training.metrics import MultiLabel, expected_calibration_error, multi_label, single_label_f1
from training.plots import bar_pairs


@dataclass(frozen=True)
class Row:
    """One set's figures. `score` and `baseline` are macro-F1 (single-label) or mean average precision (multi-label)."""

    id: str
    family: str
    mode: str
    texts: int
    labels: int
    score: float
    baseline: float
    calibration_error: float
    multi: MultiLabel | None = None


def evaluate(tagger: Tagger, sets: list[LabelledSet], encoder: SentenceEncoder) -> Iterator[Row]:
    """Scores every set with the model and with cosine similarity of all-MiniLM-L6-v2 between text and label."""
    for labelled in sets:
        probabilities = sigmoid(score_texts(tagger, labelled))
        similarity = _similarity(encoder, labelled)
        single = labelled.schema.is_single
        detail = None if single else multi_label(probabilities, labelled.gold)
        yield Row(
            id=labelled.schema.id,
            family=labelled.schema.family,
            mode=labelled.schema.mode,
            texts=len(labelled.texts),
            labels=len(labelled.labels.names),
            score=single_label_f1(probabilities, labelled.gold) if detail is None else detail.mean_average_precision,
            baseline=_baseline(similarity, labelled.gold, single),
            calibration_error=expected_calibration_error(probabilities, labelled.gold),
            multi=detail,
        )


def _baseline(similarity: np.ndarray, gold: np.ndarray, single: bool) -> float:
    return single_label_f1(similarity, gold) if single else multi_label(similarity, gold).mean_average_precision


def _similarity(encoder: SentenceEncoder, labelled: LabelledSet) -> np.ndarray:
    named = zip(labelled.labels.names, labelled.labels.descriptions, strict=True)
    labels = encoder([f"{name}: {described}" if described else name for name, described in named])
    similarity: np.ndarray = (encoder(labelled.texts) @ labels.T).numpy()
    return similarity


def by_family(rows: list[Row]) -> dict[str, dict[str, float]]:
    """Means over the sets of each family, and of all sets under "all"."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.family].append(row)
    return {name: _means(group) for name, group in sorted(groups.items())} | {"all": _means(rows)}


def _means(rows: list[Row]) -> dict[str, float]:
    multi = [row.multi for row in rows if row.multi]
    figures = {
        "sets": float(len(rows)),
        "score": mean(row.score for row in rows),
        "baseline": mean(row.baseline for row in rows),
        "calibration_error": mean(row.calibration_error for row in rows),
    }
    if multi:
        figures["micro_f1"] = mean(m.micro_f1 for m in multi)
        figures["best_micro_f1"] = mean(m.best_micro_f1 for m in multi)
    return figures


def environment() -> dict[str, str | int]:
    """What a figure depends on besides the model."""
    return {"machine": platform.machine(), "cores": available_cores(), "onnxruntime": onnxruntime.__version__}


@click.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--texts", default=100, show_default=True, help="Texts of each set.")
@click.option("--without-descriptions", is_flag=True, help="Ask by the labels' names alone.")
@click.option("--json", "report", type=click.Path(path_type=Path), help="Write all figures to this file.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw a pair of bars for every set into this file.")
def main(
    bundle: Path, data: Path, texts: int, without_descriptions: bool, report: Path | None, plot: Path | None
) -> None:
    """Evaluates a bundle on a data folder."""
    tagger, encoder = Tagger(bundle), SentenceEncoder()
    sets = list(labelled_sets(data, texts, descriptions=not without_descriptions))
    rows = list(track(evaluate(tagger, sets, encoder), total=len(sets), console=Console(stderr=True)))
    families = by_family(rows)
    _print(families)
    if report:
        content = {
            "model": tagger.bundle.digest,
            "environment": environment(),
            "families": families,
            "sets": [asdict(r) for r in rows],
        }
        report.write_text(json.dumps(content, indent=2) + "\n")
    if plot:
        bar_pairs([r.id for r in rows], [r.score for r in rows], [r.baseline for r in rows], plot)


def _print(families: dict[str, dict[str, float]]) -> None:
    table = Table("family", "sets", "score", "all-MiniLM-L6-v2", "ECE", "micro-F1 at 0.5", "at the best threshold")
    for name, figures in families.items():
        f1 = [f"{figures[key]:.3f}" if key in figures else "" for key in ("micro_f1", "best_micro_f1")]
        scores = [f"{figures[key]:.3f}" for key in ("score", "baseline", "calibration_error")]
        table.add_row(name, f"{figures['sets']:.0f}", *scores, *f1)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
