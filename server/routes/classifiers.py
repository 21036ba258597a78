"""/v1/classifiers: saved label sets with immutable versions and movable aliases."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter

from server.asking import caller_of
from server.auth import Caller, needs
from server.routes.answers import DELETING_ERRORS, READING_ERRORS, WRITING_ERRORS
from server.schemas.classifiers import (
    Alias,
    AliasTarget,
    ClassifierPage,
    Deleted,
    NewClassifier,
    SavedClassifier,
    SavedVersion,
    VersionContent,
    VersionList,
)
from server.store.classifiers import Classifier, Classifiers, Version
from server.store.definition import Definition, define

_TAGS = ["Classifiers"]
_SAVING = WRITING_ERRORS | {
    200: ResponseSpec(SavedVersion, description="The newest version holds exactly this.", generate_examples=False)
}
Store = NamedDependency[Classifiers]
Asking = Request[Any, Any, Any]


@post(
    "/",
    operation_id="save_classifier",
    summary="Create a classifier, or its next version",
    tags=_TAGS,
    opt=needs("manage"),
    responses=_SAVING,
)
async def save(data: JSONBody[NewClassifier], request: Asking, saved: Store) -> Response[SavedVersion]:
    """201 with the new version; 200 with the newest one when it holds exactly this already."""
    caller_of(request).check_classifier(data.name)
    return _saved(*await saved.save(data.name, _definition(data)))


@post(
    "/{name:str}/versions",
    operation_id="save_version",
    summary="Make a new version",
    tags=_TAGS,
    opt=needs("manage"),
    responses=_SAVING,
)
async def save_version(
    name: FromPath[str], data: JSONBody[VersionContent], request: Asking, saved: Store
) -> Response[SavedVersion]:
    """201 with the new version; 200 with the newest one when it holds exactly this already."""
    caller_of(request).check_classifier(name)
    return _saved(*await saved.save(name, _definition(data), must_exist=True))


@get(
    "/",
    operation_id="list_classifiers",
    summary="List classifiers",
    tags=_TAGS,
    opt=needs("tag"),
    responses=READING_ERRORS,
)
async def list_classifiers(
    request: Asking,
    saved: Store,
    after: Annotated[str, QueryParameter(description="Names after this one.", max_length=64)] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
) -> ClassifierPage:
    """Classifiers that the key may use, by name."""
    found = await saved.list(after, limit + 1, caller_of(request).classifiers)
    shown = found[:limit]
    return ClassifierPage([_info(c) for c in shown], shown[-1].name if len(found) > limit else None)


@get(
    "/{name:str}",
    operation_id="get_classifier",
    summary="Show a classifier or one version",
    tags=_TAGS,
    opt=needs("tag"),
    responses=READING_ERRORS,
)
async def show(name: FromPath[str], request: Asking, saved: Store) -> SavedClassifier | SavedVersion:
    """A classifier for "name"; a version for "name@v3" or "name@alias"."""
    bare = _allowed(name, caller_of(request))
    if bare == name:
        return _info(await saved.get(name))
    return _shown(await saved.resolve(name))


@get(
    "/{name:str}/versions",
    operation_id="list_versions",
    summary="List all versions",
    tags=_TAGS,
    opt=needs("tag"),
    responses=READING_ERRORS,
)
async def list_versions(name: FromPath[str], request: Asking, saved: Store) -> VersionList:
    """Oldest first."""
    _allowed(name, caller_of(request))
    return VersionList([_shown(version) for version in (await saved.get(name)).versions])


@delete(
    "/{name:str}",
    operation_id="delete_classifier",
    summary="Delete a classifier or one version",
    tags=_TAGS,
    status_code=200,
    opt=needs("manage"),
    responses=DELETING_ERRORS,
)
async def remove(name: FromPath[str], request: Asking, saved: Store) -> Deleted:
    """Numbers of deleted versions are not given again, so a pinned reference never changes its meaning."""
    _allowed(name, caller_of(request))
    await saved.delete(name)
    return Deleted(name)


@put(
    "/{name:str}/aliases/{alias:str}",
    operation_id="move_alias",
    summary="Make or move an alias",
    tags=_TAGS,
    status_code=200,
    opt=needs("manage"),
    responses=WRITING_ERRORS,
)
async def move_alias(
    name: FromPath[str], alias: FromPath[str], data: JSONBody[AliasTarget], request: Asking, saved: Store
) -> Alias:
    """From now on "name@alias" stands for that version."""
    _allowed(name, caller_of(request))
    return Alias(name, alias, await saved.point(name, alias, data.version))


@post(
    "/{name:str}/aliases/{alias:str}/rollback",
    operation_id="roll_back_alias",
    summary="Move an alias back",
    tags=_TAGS,
    status_code=200,
    opt=needs("manage") | {"bodiless": True},
    responses=DELETING_ERRORS,
)
async def roll_back(name: FromPath[str], alias: FromPath[str], request: Asking, saved: Store) -> Alias:
    """To where it pointed before it was last moved."""
    _allowed(name, caller_of(request))
    return Alias(name, alias, await saved.roll_back(name, alias))


@delete(
    "/{name:str}/aliases/{alias:str}",
    operation_id="delete_alias",
    summary="Delete an alias",
    tags=_TAGS,
    status_code=200,
    opt=needs("manage"),
    responses=DELETING_ERRORS,
)
async def remove_alias(name: FromPath[str], alias: FromPath[str], request: Asking, saved: Store) -> Deleted:
    """The versions stay."""
    _allowed(name, caller_of(request))
    await saved.remove_alias(name, alias)
    return Deleted(f"{name}@{alias}")


def router() -> Router:
    """All of them."""
    handlers: list[Any] = [save, save_version, list_classifiers, show, list_versions, remove]
    return Router("/v1/classifiers", route_handlers=[*handlers, move_alias, roll_back, remove_alias])


def _allowed(reference: str, caller: Caller) -> str:
    """The bare name. Raises `Forbidden` when the key may not use it."""
    name = reference.partition("@")[0]
    caller.check_classifier(name)
    return name


def _definition(data: VersionContent) -> Definition:
    return define(data.labels, data.descriptions, data.examples, data.text_type, data.threshold, data.mode)


def _saved(version: Version, is_new: bool) -> Response[SavedVersion]:
    return Response(_shown(version), status_code=201 if is_new else 200)


def _shown(version: Version) -> SavedVersion:
    return SavedVersion(
        name=version.name,
        version=version.number,
        classifier=version.reference,
        created_at=version.created_at,
        **msgspec.to_builtins(version.definition),
    )


def _info(classifier: Classifier) -> SavedClassifier:
    numbers = [version.number for version in classifier.versions]
    return SavedClassifier(classifier.name, numbers, classifier.aliases, _shown(classifier.newest))
