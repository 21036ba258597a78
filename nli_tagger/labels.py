"""A label set: the labels asked of a text, their descriptions, and what kind of text it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from nli_tagger.errors import InputError
from nli_tagger.hypotheses import hypothesis
from nli_tagger.strings import check_readable

MAX_LABELS = 200
MAX_LABEL_CHARACTERS = 100
MAX_DESCRIPTION_CHARACTERS = 400
MAX_TEXT_TYPE_CHARACTERS = 100


@dataclass(frozen=True)
class LabelSet:
    """1 to 200 labels with optional descriptions and text type; make one with `LabelSet.of`.

    `names` are the labels as they were given; `descriptions` runs parallel to it, empty where
    a label has none.
    """

    names: tuple[str, ...]
    descriptions: tuple[str, ...]
    text_type: str | None = None

    @classmethod
    def of(
        cls, labels: Sequence[str], descriptions: Mapping[str, str] | None = None, text_type: str | None = None
    ) -> "LabelSet":
        """Checks every rule; raises `InputError` that names the field and the offending value."""
        names = _check_names(labels)
        described = _check_descriptions(descriptions or {}, {name.strip() for name in names})
        kind = _check_text_type(text_type)
        return cls(names, tuple(described.get(name.strip(), "") for name in names), kind)

    @cached_property
    def hypotheses(self) -> tuple[str, ...]:
        """One hypothesis sentence per label, in the order of the labels."""
        pairs = zip(self.names, self.descriptions, strict=True)
        return tuple(hypothesis(name, described, self.text_type) for name, described in pairs)


def _check_names(labels: Sequence[str]) -> tuple[str, ...]:
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise InputError("labels must be a list of strings.", "labels")
    if not labels:
        raise InputError("labels is empty; send at least one label.", "labels")
    if len(labels) > MAX_LABELS:
        raise InputError(f"labels has {len(labels)} entries; at most {MAX_LABELS} are allowed.", "labels")
    names = tuple(_check_name(name) for name in labels)
    seen: set[str] = set()
    for name in names:
        if name.strip() in seen:
            raise InputError(f"Labels must be unique: {name.strip()!r} appears more than once.", "labels")
        seen.add(name.strip())
    return names


def _check_name(name: object) -> str:
    label = check_readable(name, "labels", one_line=True)
    if not label.strip():
        raise InputError("labels holds an empty label; remove it.", "labels")
    if len(label.strip()) > MAX_LABEL_CHARACTERS:
        raise InputError(
            f"The label {label.strip()[:40]!r}... has {len(label.strip())} characters; at most {MAX_LABEL_CHARACTERS} "
            "are allowed. Shorten it and move the details to descriptions.",
            "labels",
        )
    return label


def _check_descriptions(descriptions: Mapping[str, str], names: set[str]) -> dict[str, str]:
    if not isinstance(descriptions, Mapping):
        raise InputError("descriptions must be an object from label to description.", "descriptions")
    checked = {}
    for name, value in descriptions.items():
        label = check_readable(name, "descriptions").strip()
        if label not in names:
            raise InputError(f"descriptions names {label[:100]!r}, which is not one of the labels.", "descriptions")
        described = check_readable(value, "descriptions").strip()
        if len(described) > MAX_DESCRIPTION_CHARACTERS:
            raise InputError(
                f"The description of {label!r} has {len(described)} characters; at most "
                f"{MAX_DESCRIPTION_CHARACTERS} are allowed.",
                "descriptions",
            )
        checked[label] = described
    return checked


def _check_text_type(text_type: str | None) -> str | None:
    if text_type is None:
        return None
    kind = check_readable(text_type, "text_type", one_line=True).strip()
    if len(kind) > MAX_TEXT_TYPE_CHARACTERS:
        raise InputError(
            f"text_type has {len(kind)} characters; at most {MAX_TEXT_TYPE_CHARACTERS} are allowed. "
            'Name the kind of text in a few words, such as "support ticket".',
            "text_type",
        )
    return kind or None
