"""A data folder's label sets with a sample of their texts, as evaluation and calibration use them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nli_tagger import LabelSet, Tagger
from training.data import LabelledText, Schema, read_schemas, read_texts


@dataclass(frozen=True)
class LabelledSet:
    """One label set. gold: int8 [texts, labels]; 1 yes, 0 no, -1 open."""

    schema: Schema
    labels: LabelSet
    texts: list[str]
    gold: np.ndarray


def labelled_sets(folder: Path, most_texts: int, *, descriptions: bool = True, seed: int = 1) -> Iterator[LabelledSet]:
    """Every set of the folder with up to `most_texts` of its texts. Single-label texts without a label are left out."""
    schemas = read_schemas(folder)
    by_schema: dict[str, list[LabelledText]] = {}
    for text in read_texts(folder, schemas):
        if text.yes or not schemas[text.schema].is_single:
            by_schema.setdefault(text.schema, []).append(text)
    for key, texts in by_schema.items():
        sample = random.Random(f"{seed}/{key}").sample(texts, min(most_texts, len(texts)))
        schema = schemas[key]
        yield LabelledSet(schema, _labels(schema, descriptions), [t.text for t in sample], _gold(schema, sample))


def score_texts(tagger: Tagger, labelled: LabelledSet) -> np.ndarray:
    """Calibrated logits [texts, labels]."""
    return np.stack([tagger.score(text, labelled.labels).logits for text in labelled.texts])


def _labels(schema: Schema, descriptions: bool) -> LabelSet:
    described = {label.name: label.description for label in schema.wordings[0] if label.description}
    return LabelSet.of(schema.names, described if descriptions else None, schema.text_type)


def _gold(schema: Schema, texts: list[LabelledText]) -> np.ndarray:
    gold = np.zeros((len(texts), len(schema.names)), np.int8)
    for row, text in enumerate(texts):
        gold[row, list(text.maybe)] = -1
        gold[row, list(text.yes)] = 1
    return gold
