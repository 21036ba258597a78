"""What the routes work with: opened when the server starts, closed when it stops."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from litestar.stores.base import Store
from litestar.stores.valkey import ValkeyStore
from valkey.asyncio import Valkey

from nli_tagger import Tagger
from server.asking import Asker
from server.auth import Gate
from server.cache import ScoreCache
from server.limits import Limiter
from server.memory_store import BoundedMemoryStore
from server.recorder import Recorder
from server.scheduler import Scheduler
from server.scoring import Scoring
from server.settings import ServerSettings
from server.shared_store import TIMEOUTS, shared_store_url
from server.store.classifiers import Classifiers
from server.store.database import Database, DatabaseError
from server.store.keys import Keys
from server.store.records import Records
from server.store.usage import Usage


@dataclass(frozen=True)
class Services:
    """One of each. Routes ask for them by these names, which must not be names of fields of a body."""

    asker: Asker
    saved: Classifiers
    gate: Gate
    keys: Keys
    recorder: Recorder
    records: Records
    scoring: Scoring
    usage: Usage


@asynccontextmanager
async def open_database(settings: ServerSettings) -> AsyncIterator[Database]:
    """The database with its tables as this version needs them. Raises `DatabaseError`."""
    database = Database(settings.database_url)
    try:
        if database.is_sqlite and not settings.database:
            settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        await database.migrate()
        yield database
    except OSError as error:
        raise DatabaseError(f"The data folder {settings.data_dir} cannot be used: {error.strerror}.") from error
    finally:
        await database.close()


@asynccontextmanager
async def open_services(settings: ServerSettings, tagger: Tagger) -> AsyncIterator[Services]:
    """Opens everything. Raises `DatabaseError` when the database cannot be used."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings))
        keys, usage, records, classifiers = Keys(database), Usage(database), Records(database), Classifiers(database)
        store = _cache_store(settings)
        if isinstance(store, ValkeyStore):
            await stack.enter_async_context(store)
        scheduler = await stack.enter_async_context(
            Scheduler(settings.concurrent_inferences, settings.max_queue, settings.timeout)
        )
        recorder = await stack.enter_async_context(Recorder(usage, records, settings.log_days, settings.log_texts))
        limiter = Limiter(settings.valkey, settings.timeout)
        stack.push_async_callback(limiter.close)
        yield Services(
            asker=Asker(classifiers),
            saved=classifiers,
            gate=Gate(keys, settings.api_keys, settings.admin_keys, settings.default_limits, settings.opens),
            keys=keys,
            recorder=recorder,
            records=records,
            scoring=Scoring(tagger, scheduler, ScoreCache(store, settings.cache_ttl), limiter),
            usage=usage,
        )


def _cache_store(settings: ServerSettings) -> Store | None:
    if not settings.cache_ttl:
        return None
    if not settings.valkey:
        return BoundedMemoryStore(settings.cache_bytes, settings.cache_entries)
    client = Valkey.from_url(shared_store_url(settings.valkey), **TIMEOUTS)
    return ValkeyStore(client, namespace="nli-tagger-cache", handle_client_shutdown=True)
