"""Names of classifiers, versions and aliases: "name", "name@v3", "name@stable"."""

import re

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from nli_tagger import InputError
from server.store.models import NAME_CHARACTERS

_NAME = re.compile(rf"[a-z0-9](?:[a-z0-9_-]{{0,{NAME_CHARACTERS - 2}}}[a-z0-9])?")
_VERSION = re.compile(r"v([1-9][0-9]{0,8})")
_LIKE_A_VERSION = re.compile(r"v[0-9]+")


def check_name(name: str, field: str = "name") -> str:
    """A classifier's or alias' name: never a path, and the same on every file system. Raises `InputError`."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{field} must be 1 to {NAME_CHARACTERS} of the characters a-z, 0-9, '-' and '_', and begin and end with "
            "a letter or digit.",
            field,
        )
    return name


def check_alias(alias: str) -> str:
    """An alias' name: as a classifier's, and not of the form of a version. Raises `InputError`."""
    if _LIKE_A_VERSION.fullmatch(check_name(alias, "alias")):
        raise InputError("alias must not look like a version (v1, v2...); choose a word such as 'stable'.", "alias")
    return alias


def split_reference(reference: str) -> tuple[str, str | None]:
    """ "name", "name@v3" or "name@alias" as name and the part after "@". Raises `InputError`."""
    name, at, which = reference.partition("@")
    check_name(name, "classifier")
    if at:
        check_name(which, "classifier")
    return name, which if at else None


def version_number(which: str) -> int | None:
    """3 for "v3"; None for what is no version."""
    found = _VERSION.fullmatch(which)
    return int(found[1]) if found else None


def refers_to(column: InstrumentedAttribute[str], classifier: str) -> ColumnElement[bool]:
    """Whether a column of pinned references holds that classifier (any version), or that pinned reference.

    "" stands for labels sent inline. Raises `InputError`.
    """
    if classifier:
        split_reference(classifier)
    return (column == classifier) | column.startswith(f"{classifier}@", autoescape=True)
