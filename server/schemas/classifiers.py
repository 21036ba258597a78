"""Saved classifiers."""

from datetime import datetime
from typing import Annotated

import msgspec

from server.store.definition import Mode
from server.store.models import NAME_CHARACTERS

Meta = msgspec.Meta

_NAME = f"1 to {NAME_CHARACTERS} of a-z, 0-9, '-' and '_'."


class VersionContent(msgspec.Struct, kw_only=True):
    """What a version holds."""

    labels: Annotated[list[str], Meta(description="As for /v1/tag.", examples=[["billing", "bug report"]])]
    descriptions: dict[str, str] | None = None
    examples: Annotated[
        dict[str, list[str]] | None, Meta(description="Texts for labels; kept for training, not used by scoring yet.")
    ] = None
    text_type: str | None = None
    threshold: Annotated[
        float | dict[str, float] | None, Meta(description="One threshold, or one for each label that needs its own.")
    ] = None
    mode: Annotated[Mode, Meta(description='"multi": any number of labels applies; "single": exactly one does.')] = (
        "multi"
    )


class NewClassifier(VersionContent, kw_only=True):
    """A classifier to create. A name that exists gets a new version."""

    name: Annotated[str, Meta(description=_NAME, examples=["support-tickets"])]


class SavedVersion(VersionContent, kw_only=True):
    """One immutable version. `classifier` is its pinned reference."""

    name: str
    version: int
    classifier: Annotated[str, Meta(examples=["support-tickets@v1"])]
    created_at: datetime


class SavedClassifier(msgspec.Struct):
    """A classifier with the numbers of its versions, where its aliases point, and its newest version."""

    name: str
    versions: list[int]
    aliases: dict[str, int]
    newest: SavedVersion


class ClassifierPage(msgspec.Struct):
    """Classifiers by name. `next` is what `after` must be for the page that follows; null on the last."""

    classifiers: list[SavedClassifier]
    next: str | None


class VersionList(msgspec.Struct):
    """All versions of a classifier, oldest first."""

    versions: list[SavedVersion]


class AliasTarget(msgspec.Struct):
    """Where an alias shall point."""

    version: Annotated[int, Meta(ge=1, examples=[2])]


class Alias(msgspec.Struct):
    """Where an alias points."""

    name: str
    alias: str
    version: int


class Deleted(msgspec.Struct):
    """What is gone."""

    deleted: str
