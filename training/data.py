"""Reads a folder of labelled texts, the format that `training/default_model/README.md` describes.

Three files: `schemas.json` (label sets), `texts.jsonl` (texts with the labels that apply) and,
optionally, `nli.jsonl` (premise, hypothesis, label).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class DataError(ValueError):
    """The data folder is not in the documented format; the message names file and line."""


@dataclass(frozen=True)
class LabelWording:
    """How one label is named, and described where the set has descriptions."""

    name: str
    description: str = ""


@dataclass(frozen=True)
class Schema:
    """One label set. `wordings[0]` is its own wording; the rest are `views`, other names for the same labels."""

    id: str
    text_type: str
    mode: str
    family: str
    wordings: tuple[tuple[LabelWording, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.wordings[0])

    @property
    def is_single(self) -> bool:
        return self.mode == "single"


@dataclass(frozen=True)
class LabelledText:
    """A text with the indices of its labels; a label in neither `yes` nor `maybe` is a firm no."""

    schema: str
    text: str
    yes: tuple[int, ...]
    maybe: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pair:
    """One hypothesis with whether its premise entails it."""

    hypothesis: str
    entailed: bool


def read_schemas(folder: Path | str) -> dict[str, Schema]:
    """Every label set of the folder by id. Raises `DataError`."""
    path = Path(folder) / "schemas.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return {key: _schema(key, value) for key, value in raw.items()}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: {error!r}. Expected {{schema id: {{text_type, mode, family, labels}}}}.") from error


def read_texts(folder: Path | str, schemas: dict[str, Schema]) -> list[LabelledText]:
    """Every labelled text of the folder, in file order. Raises `DataError`."""
    texts = []
    index = {key: {name: i for i, name in enumerate(schema.names)} for key, schema in schemas.items()}
    for place, row in _rows(Path(folder) / "texts.jsonl"):
        try:
            names = index[row["schema"]]
            yes = tuple(names[name] for name in row["yes"])
            maybe = tuple(names[name] for name in row.get("maybe", ()))
            texts.append(LabelledText(row["schema"], row["text"], yes, maybe))
        except (KeyError, TypeError) as error:
            raise DataError(f"{place}: unknown schema or label, or a missing field: {error}") from error
    return texts


def read_nli(folder: Path | str) -> dict[str, list[Pair]]:
    """NLI pairs grouped by premise, so that a premise is encoded once. Empty where the file is missing."""
    path = Path(folder) / "nli.jsonl"
    groups: dict[str, list[Pair]] = {}
    if not path.exists():
        return groups
    for place, row in _rows(path):
        try:
            pair = Pair(row["hypothesis"], row["label"] == "entailment")
            groups.setdefault(row["premise"], []).append(pair)
        except (KeyError, TypeError) as error:
            raise DataError(f"{place}: needs premise, hypothesis and label: {error}") from error
    return groups


def _schema(key: str, raw: dict[str, Any]) -> Schema:
    if raw["mode"] not in ("single", "multi"):
        raise DataError(f"{key}: mode is {raw['mode']!r}, expected 'single' or 'multi'")
    wordings = [_wording(raw["labels"]), *(_wording(view) for view in raw.get("views", ()))]
    if any(len(wording) != len(wordings[0]) for wording in wordings):
        raise DataError(f"{key}: a view must name as many labels as the set has")
    return Schema(key, raw["text_type"], raw["mode"], raw["family"], tuple(wordings))


def _wording(labels: list[dict[str, str]]) -> tuple[LabelWording, ...]:
    return tuple(LabelWording(label["name"], label.get("description") or "") for label in labels)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"{path}, line {number}: not JSON ({error})") from error
            yield f"{path}, line {number}", row
