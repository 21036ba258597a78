"""GET /v1/usage, /v1/logs and /v1/models."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from nli_tagger import Tagger
from server.auth import needs
from server.errors import ValidationError
from server.routes.answers import READING_ERRORS, errors
from server.schemas.reports import LogEntry, LogPage, Model, ModelList, UsageCounts, UsageEntry, UsageReport
from server.store.models import RecordRow, UsageRow
from server.store.records import Records
from server.store.usage import COUNTERS, Usage, total

_DEFAULT_DAYS = 30

Classifier = Annotated[str | None, QueryParameter(description='A name, or a pinned "name@v3".', max_length=80)]
KeyId = Annotated[str | None, QueryParameter(description="Id of a key.", max_length=36)]


@get(
    "/v1/usage",
    operation_id="usage",
    summary="Usage by day, key and classifier",
    tags=["Reports"],
    opt=needs("admin"),
    responses=READING_ERRORS,
)
async def report_usage(
    usage: NamedDependency[Usage],
    from_: Annotated[
        date | None, QueryParameter(name="from", description="First day (UTC); default: 30 days before the last.")
    ] = None,
    to: Annotated[date | None, QueryParameter(description="Last day (UTC); default: today.")] = None,
    key: KeyId = None,
    classifier: Classifier = None,
) -> UsageReport:
    """Counted within a second or two of the request."""
    last = to or datetime.now(UTC).date()
    first = from_ or date.fromordinal(max(1, last.toordinal() - _DEFAULT_DAYS))
    if first > last:
        raise ValidationError("from is after to; exchange them.", details={"field": "from"})
    rows = await usage.between(first, last, key, classifier)
    return UsageReport(usage=[_entry(row) for row in rows], total=UsageCounts(**asdict(total(rows))))


@get(
    "/v1/logs",
    operation_id="logs",
    summary="Requests, newest first",
    tags=["Reports"],
    opt=needs("admin"),
    responses=READING_ERRORS,
)
async def report_logs(
    records: NamedDependency[Records],
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    before: Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1, description="Ids below this one.")] = None,
    key: KeyId = None,
    status: Annotated[int | None, QueryParameter(ge=100, le=599)] = None,
    classifier: Classifier = None,
) -> LogPage:
    """Metadata only, unless the operator has switched on that texts are kept."""
    rows = await records.newest(limit + 1, before, key, status, classifier)
    shown = rows[:limit]
    return LogPage(logs=[_log(row) for row in shown], next=shown[-1].id if len(rows) > limit else None)


@get(
    "/v1/models",
    operation_id="models",
    summary="The model served",
    tags=["Reports"],
    opt=needs("tag"),
    responses=errors(),
)
async def list_models(tagger: NamedDependency[Tagger]) -> ModelList:
    """In the shape of OpenAI's list."""
    manifest = tagger.bundle.manifest
    model = Model(
        id=manifest.name,
        digest=tagger.bundle.digest,
        kind=manifest.kind,
        precision=manifest.precision,
        window_tokens=manifest.window_tokens,
        input_modalities=["text"],
    )
    return ModelList(data=[model])


def _entry(row: UsageRow) -> UsageEntry:
    counters = {name: getattr(row, name) for name in COUNTERS}
    return UsageEntry(day=row.day, key=row.key, classifier=row.classifier, **counters)


def _log(row: RecordRow) -> LogEntry:
    kept = {name: getattr(row, name) for name in LogEntry.__struct_fields__ if name != "texts"}
    return LogEntry(**kept, texts=msgspec.json.decode(row.texts) if row.texts else None)
