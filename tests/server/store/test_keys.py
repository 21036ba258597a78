"""API keys: shown once, remembered as a digest."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from nli_tagger import InputError
from server.errors import NotFound
from server.store.database import Database
from server.store.keys import Keys, Limits, digest
from server.store.models import ClassifierRow, KeyRow

pytestmark = pytest.mark.anyio
SOON = timedelta(hours=1)


async def everything_stored(database, tmp_path):
    """All values of all tables, and for SQLite also the files as they lie on the disk."""
    stored = []
    async with database.read() as session:
        for table in ClassifierRow.metadata.sorted_tables:
            stored += [str(value) for row in await session.execute(select(table)) for value in row]
    return "\n".join([*stored, *(file.read_bytes().decode("latin-1") for file in tmp_path.glob("store.db*"))])


async def expire(database):
    async with database.write() as session:
        await session.execute(update(KeyRow).values(expires_at=datetime.now(UTC) - SOON))


async def refusal(keys, **wrong):
    with pytest.raises(InputError) as refused:
        await keys.create(**{"name": "importer", "scopes": {"tag"}} | wrong)
    assert await keys.list() == []
    return refused.value


async def test_a_key_is_found_by_its_secret(keys, url):
    made, secret = await keys.create(
        "importer", {"tag", "manage"}, Limits(60, 10_000, 4), {"news", "weather"}, datetime.now(UTC) + SOON
    )
    other = Database(url)
    assert await Keys(other).find(secret) == made
    await other.close()
    assert made.name == "importer"
    assert made.scopes == {"tag", "manage"}
    assert made.limits == Limits(60, 10_000, 4)
    assert made.classifiers == {"news", "weather"}
    assert not made.has_expired


async def test_what_a_key_is_not_given_it_has_not(keys):
    made, secret = await keys.create("importer", {"tag"})
    assert (made.limits, made.classifiers, made.expires_at) == (Limits(), None, None)
    assert await keys.find(secret) == made


async def test_a_key_for_no_classifier_at_all_is_not_one_for_all(keys):
    _, secret = await keys.create("importer", {"tag"}, classifiers=set())
    assert (await keys.find(secret)).classifiers == frozenset()


async def test_every_secret_is_new_and_long(keys):
    secrets = [(await keys.create("importer", {"tag"}))[1] for _ in range(5)]
    assert len(set(secrets)) == 5
    assert all(secret.startswith("nlt_") and len(secret) == 4 + 43 for secret in secrets)


async def test_only_the_digest_of_a_secret_is_stored(keys, database, tmp_path):
    made, secret = await keys.create("importer", {"tag"})
    stored = await everything_stored(database, tmp_path)
    assert secret not in stored
    assert secret[len("nlt_") + 8 :] not in stored
    assert hashlib.sha256(secret.encode()).hexdigest() in stored
    assert made.hint in stored
    assert len(made.hint) == 8


async def test_a_remembered_key_does_not_tell_its_secret(keys):
    made, secret = await keys.create("importer", {"tag"})
    assert secret.startswith(made.hint)
    assert secret not in repr(made)
    assert digest(secret) not in repr(made)


@pytest.mark.parametrize("offered", ["", "nlt_", "unknown", "nlt_" + "A" * 43, "é\x00", "\udcff", "%", "x" * 10_000])
async def test_another_secret_finds_nothing(keys, offered):
    _, secret = await keys.create("importer", {"tag"})
    assert await keys.find(offered) is None
    assert await keys.find(secret[:-1]) is None
    assert await keys.find(secret + " ") is None
    assert await keys.find(secret.upper()) is None
    assert await keys.find(digest(secret)) is None


async def test_an_expired_key_is_found_and_says_so(keys, database):
    made, secret = await keys.create("importer", {"tag"}, expires_at=datetime.now(UTC) + SOON)
    assert not made.has_expired
    await expire(database)
    assert (await keys.find(secret)).has_expired


async def test_a_key_expires_at_that_moment_wherever_it_was_said(keys):
    at = datetime.now(timezone(timedelta(hours=5, minutes=30))) + SOON
    _, secret = await keys.create("importer", {"tag"}, expires_at=at)
    found = await keys.find(secret)
    assert found.expires_at == at
    assert found.expires_at.utcoffset() == timedelta(0)


async def test_keys_are_listed_oldest_first(keys):
    made = [(await keys.create(name, {"tag"}))[0] for name in ("c", "a", "b")]
    assert await keys.list() == made


async def test_whether_there_is_any_key(keys):
    assert not await keys.exist()
    made, _ = await keys.create("importer", {"tag"})
    assert await keys.exist()
    await keys.delete(made.id)
    assert not await keys.exist()


async def test_a_deleted_key_is_found_no_more_and_others_are(keys):
    gone, gone_secret = await keys.create("a", {"tag"})
    kept, kept_secret = await keys.create("b", {"tag"})
    await keys.delete(gone.id)
    assert await keys.find(gone_secret) is None
    assert await keys.find(kept_secret) == kept
    assert await keys.list() == [kept]
    with pytest.raises(NotFound):
        await keys.delete(gone.id)


@pytest.mark.parametrize("key_id", ["", "1", "not-a-uuid", "../keys", "\x00", "%", "é" * 36, str(uuid4()), uuid4().hex])
async def test_what_is_no_id_of_a_key_is_not_found(keys, key_id):
    await keys.create("importer", {"tag"})
    with pytest.raises(NotFound, match="no key with this id"):
        await keys.delete(key_id)
    assert await keys.exist()


@pytest.mark.parametrize("name", ["a", "ticket importer", "Ünïcödé \U0001f511", "x" * 100, " " + "x" * 100 + " "])
async def test_a_name_is_any_printable_text(keys, name):
    made, _ = await keys.create(name, {"tag"})
    assert made.name == name.strip()


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\x00", "\u202e", "\ud800", "tab\t"])
async def test_other_names_are_refused(keys, name):
    error = await refusal(keys, name=name)
    assert error.field == "name"
    assert "1 to 100 printable characters" in error.message


async def test_a_key_without_a_scope_is_refused(keys):
    assert (await refusal(keys, scopes=set())).field == "scopes"


MOST = {"requests_per_minute": 100_000, "tokens_per_minute": 2**31 - 1, "concurrent": 256}


@pytest.mark.parametrize("field", MOST)
async def test_limits_have_limits(keys, field):
    for wrong in (0, -1, MOST[field] + 1, 2**63):
        error = await refusal(keys, limits=Limits(**{field: wrong}))
        assert error.field == field
        assert f"{field} must be from 1 to {MOST[field]:,}" in error.message


@pytest.mark.parametrize("limits", [Limits(1, 1, 1), Limits(*MOST.values())])
async def test_limits_may_be_as_low_and_as_high_as_promised(keys, limits):
    _, secret = await keys.create("importer", {"tag"}, limits)
    assert (await keys.find(secret)).limits == limits


@pytest.mark.parametrize("classifier", ["../news", "", "news@v1", "NEWS", "a b"])
async def test_classifiers_are_bare_names(keys, classifier):
    assert (await refusal(keys, classifiers={"news", classifier})).field == "classifiers"


@pytest.mark.parametrize(
    "at",
    [
        datetime(2020, 1, 1, tzinfo=UTC),
        datetime(2100, 1, 1),
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-SOON)),
        datetime(1, 1, 1, tzinfo=timezone(SOON)),
    ],
    ids=["over", "without offset", "too late for UTC", "too early for UTC"],
)
async def test_a_key_expires_in_the_future(keys, at):
    error = await refusal(keys, expires_at=at)
    assert error.field == "expires_at"
    assert "in the future with its offset" in error.message
