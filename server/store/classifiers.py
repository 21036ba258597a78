"""Saved classifiers: names, immutable versions, and aliases that move."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

import msgspec
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from nli_tagger.strings import check_readable
from server.errors import Conflict, NotFound
from server.store.database import Database
from server.store.definition import Definition
from server.store.models import AliasRow, ClassifierRow, VersionRow
from server.store.references import check_alias, check_name, split_reference, version_number


@dataclass(frozen=True)
class Version:
    """One immutable version. `id` never means another version, also after a deletion."""

    id: str
    name: str
    number: int
    definition: Definition
    created_at: datetime

    @property
    def reference(self) -> str:
        """The pinned reference: "name@v3"."""
        return f"{self.name}@v{self.number}"


@dataclass(frozen=True)
class Classifier:
    """A name with its versions, oldest first, and where its aliases point."""

    name: str
    versions: tuple[Version, ...]
    aliases: dict[str, int]

    @property
    def newest(self) -> Version:
        """What the bare name stands for."""
        return self.versions[-1]


class _Repository(SQLAlchemyAsyncRepository[ClassifierRow]):
    model_type = ClassifierRow


class Classifiers:
    """The store of classifiers."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def save(self, name: str, definition: Definition, *, must_exist: bool = False) -> tuple[Version, bool]:
        """The newest version with that definition, and whether it had to be made.

        Saving the same thing twice makes one version. Raises `NotFound` when `must_exist` and there is no such name.
        """
        check_name(name)
        try:
            return await self._save(name, definition, must_exist)
        except IntegrityError:  # another server made the same name or number in the meantime
            return await self._save(name, definition, must_exist)

    async def resolve(self, reference: str) -> Version:
        """The version that "name", "name@v3" or "name@alias" stands for. Raises `NotFound`."""
        name, which = split_reference(reference)
        classifier = await self.get(name)
        if which is None:
            return classifier.newest
        number = version_number(which) or classifier.aliases.get(which)
        for version in classifier.versions:
            if version.number == number:
                return version
        raise NotFound(f"The classifier {name!r} has no version or alias {which!r}.", details={"field": "classifier"})

    async def get(self, name: str) -> Classifier:
        """Raises `NotFound`."""
        check_name(name, "classifier")
        async with self.database.read() as session:
            row = await _Repository(session=session).get_one_or_none(name=name)
            return _classifier(_present(row, name))

    async def list(self, after: str, count: int, only: Collection[str] | None = None) -> list[Classifier]:
        """Up to `count` classifiers by name, from after `after` on; `only` names those that may be shown."""
        shown = () if only is None else (ClassifierRow.name.in_(only),)
        async with self.database.read() as session:
            rows = await _Repository(session=session).get_many(
                ClassifierRow.name > check_readable(after, "after"),
                ClassifierRow.versions.any(),
                *shown,
                statement=select(ClassifierRow).order_by(ClassifierRow.name).limit(count),
            )
            return [_classifier(row) for row in rows]

    async def delete(self, reference: str) -> None:
        """Deletes a classifier, or one version that no alias points to. Numbers are not given again."""
        name, which = split_reference(reference)
        async with self.database.write() as session:
            row = await _locked(session, name)
            if which is None:
                row.versions.clear()
                row.aliases.clear()
            else:
                _delete_version(row, which)

    async def point(self, name: str, alias: str, number: int) -> int:
        """Makes an alias, or moves it. Returns the number it points to now."""
        check_alias(alias)
        async with self.database.write() as session:
            row = await _locked(session, check_name(name, "classifier"))
            _numbered(row, number)
            existing = next((a for a in row.aliases if a.name == alias), None)
            if existing is None:
                row.aliases.append(AliasRow(name=alias, targets=[number]))
            elif existing.targets[-1] != number:
                existing.targets = [*existing.targets, number]
        return number

    async def roll_back(self, name: str, alias: str) -> int:
        """Moves an alias back to where it pointed before. Raises `Conflict` when it has never moved."""
        async with self.database.write() as session:
            row = _aliased(await _locked(session, check_name(name, "classifier")), alias)
            if len(row.targets) < 2:
                raise Conflict(f"The alias {alias!r} has not been moved yet, so there is nothing to roll back to.")
            row.targets = row.targets[:-1]
            return row.targets[-1]

    async def remove_alias(self, name: str, alias: str) -> None:
        """Raises `NotFound`."""
        async with self.database.write() as session:
            row = await _locked(session, check_name(name, "classifier"))
            row.aliases.remove(_aliased(row, alias))

    async def _save(self, name: str, definition: Definition, must_exist: bool) -> tuple[Version, bool]:
        async with self.database.write() as session:
            row = await _Repository(session=session).get_one_or_none(name=name, with_for_update=True)
            if must_exist:
                _present(row, name)
            if row is None:
                row = ClassifierRow(name=name, newest=0, versions=[], aliases=[])
                session.add(row)
            newest = _version(name, row.versions[-1]) if row.versions else None
            if newest and newest.definition == definition:
                return newest, False
            row.newest += 1
            content = msgspec.to_builtins(definition)
            made = VersionRow(number=row.newest, definition=content, created_at=datetime.now(UTC))
            row.versions.append(made)
            await session.flush()
            return _version(name, made), True


async def _locked(session: AsyncSession, name: str) -> ClassifierRow:
    """The row, which nobody else changes until the transaction ends. Raises `NotFound`."""
    row = await _Repository(session=session).get_one_or_none(name=name, with_for_update=True)
    return _present(row, name)


def _present(row: ClassifierRow | None, name: str) -> ClassifierRow:
    if row is None or not row.versions:
        raise NotFound(
            f"There is no classifier {name!r}; POST /v1/classifiers makes one.", details={"field": "classifier"}
        )
    return row


def _numbered(row: ClassifierRow, number: int) -> VersionRow:
    for version in row.versions:
        if version.number == number:
            return version
    raise NotFound(f"The classifier {row.name!r} has no version {number}.", details={"field": "version"})


def _aliased(row: ClassifierRow, alias: str) -> AliasRow:
    for existing in row.aliases:
        if existing.name == alias:
            return existing
    raise NotFound(f"The classifier {row.name!r} has no alias {alias[:64]!r}.", details={"field": "alias"})


def _delete_version(row: ClassifierRow, which: str) -> None:
    number = version_number(which)
    if number is None:
        _aliased(row, which)
        raise Conflict(f"{which!r} is an alias; delete it under /v1/classifiers/{row.name}/aliases/{which}.")
    version = _numbered(row, number)
    for alias in row.aliases:
        if alias.targets[-1] == number:
            raise Conflict(f"The alias {alias.name!r} points to version {number}; move or delete the alias first.")
        left = [target for target in alias.targets if target != number]
        alias.targets = [target for target, _ in groupby(left)]  # a move to the same version is no move
    row.versions.remove(version)
    if not row.versions:
        row.aliases.clear()


def _classifier(row: ClassifierRow) -> Classifier:
    versions = tuple(_version(row.name, version) for version in row.versions)
    return Classifier(row.name, versions, {alias.name: alias.targets[-1] for alias in row.aliases})


def _version(name: str, row: VersionRow) -> Version:
    definition = msgspec.convert(row.definition, Definition)
    return Version(str(row.id), name, row.number, definition, row.created_at)
