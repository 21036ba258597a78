"""What a version of a classifier holds."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import msgspec

from nli_tagger import InputError, LabelSet
from nli_tagger.strings import check_readable
from nli_tagger.tagger import DEFAULT_THRESHOLD, check_threshold

MAX_EXAMPLES = 1000
MAX_EXAMPLE_CHARACTERS = 10_000

Mode = Literal["multi", "single"]


class Definition(msgspec.Struct, frozen=True, dict=True):
    """Everything that decides a classifier's answers, checked.

    `threshold` is one for all labels, or one for each label that does not have the default.
    """

    labels: tuple[str, ...]
    descriptions: dict[str, str] = {}
    examples: dict[str, tuple[str, ...]] = {}
    text_type: str | None = None
    threshold: float | dict[str, float] = DEFAULT_THRESHOLD
    mode: Mode = "multi"

    @cached_property
    def label_set(self) -> LabelSet:
        """The labels as the library takes them."""
        return LabelSet.of(self.labels, self.descriptions, self.text_type)

    def least(self) -> list[float]:
        """The threshold of each label, in the order of the labels."""
        if isinstance(self.threshold, dict):
            return [self.threshold.get(name, DEFAULT_THRESHOLD) for name in self.labels]
        return [self.threshold] * len(self.labels)


def define(
    labels: list[str],
    descriptions: dict[str, str] | None = None,
    examples: Mapping[str, list[str]] | None = None,
    text_type: str | None = None,
    threshold: float | Mapping[str, float] | None = None,
    mode: Mode = "multi",
) -> Definition:
    """A checked definition. Raises `InputError` with the field and what to do."""
    label_set = LabelSet.of(labels, descriptions, text_type)
    names = tuple(name.strip() for name in label_set.names)
    return Definition(
        names,
        {name: text for name, text in zip(names, label_set.descriptions, strict=True) if text},
        _examples(examples or {}, names),
        label_set.text_type,
        _threshold(threshold, names),
        mode,
    )


def _threshold(given: Any, names: tuple[str, ...]) -> float | dict[str, float]:
    if given is None:
        return DEFAULT_THRESHOLD
    if not isinstance(given, Mapping):
        return check_threshold(given)
    _only_labels(given, names, "threshold")
    return {name.strip(): check_threshold(value) for name, value in given.items()}


def _examples(given: Mapping[str, list[str]], names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    _only_labels(given, names, "examples")
    if sum(map(len, given.values())) > MAX_EXAMPLES:
        raise InputError(f"examples has more than {MAX_EXAMPLES} texts; train a version with that many.", "examples")
    return {name.strip(): tuple(_example(text) for text in texts) for name, texts in given.items() if texts}


def _example(text: str) -> str:
    if not check_readable(text, "examples").strip():
        raise InputError("examples holds an empty text; remove it.", "examples")
    if len(text) > MAX_EXAMPLE_CHARACTERS:
        raise InputError(
            f"examples holds a text of {len(text)} characters; at most {MAX_EXAMPLE_CHARACTERS} are allowed.",
            "examples",
        )
    return text


def _only_labels(given: Mapping[str, Any], names: tuple[str, ...], field: str) -> None:
    left = set(names)
    for name in given:
        label = check_readable(name, field).strip()
        if label not in names:
            raise InputError(f"{field} names {name[:100]!r}, which is not one of the labels.", field)
        if label not in left:
            raise InputError(f"{field} names {label[:100]!r} twice.", field)
        left.remove(label)
