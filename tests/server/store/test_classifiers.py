"""Saved classifiers: versions that never change, numbers that are never given again, aliases that move."""

import asyncio

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.util import await_only

from nli_tagger import InputError
from server.errors import Conflict, NotFound
from server.store.classifiers import Classifiers
from server.store.database import Database
from server.store.definition import define
from server.store.models import AliasRow, VersionRow

pytestmark = pytest.mark.anyio
SPORTS, FINANCE, WEATHER = define(["sports"]), define(["finance"]), define(["weather"])
EVERYTHING = define(
    ["sports", "finance\U0001f4b6"],
    {"sports": 'games "here" \\ \t'},
    {"sports": ["Goal!\n", "Ó"]},
    "headline",
    {"sports": 0.1},
    "single",
)


@pytest.fixture
async def saved(classifiers):
    """A classifier "news" with three versions."""
    for definition in (SPORTS, FINANCE, WEATHER):
        await classifiers.save("news", definition)
    return classifiers


async def save_all(classifiers, name, count, first=0):
    """That many different versions, one after the other."""
    return [(await classifiers.save(name, define([f"label {n}"])))[0] for n in range(first, first + count)]


async def numbers(classifiers, name="news"):
    return [version.number for version in (await classifiers.get(name)).versions]


async def test_saving_makes_the_first_version(classifiers):
    version, is_new = await classifiers.save("news", EVERYTHING)
    assert is_new
    assert (version.name, version.number, version.reference) == ("news", 1, "news@v1")
    assert version.definition == EVERYTHING


async def test_a_version_comes_back_as_it_was_saved(classifiers, url):
    version, _ = await classifiers.save("news", EVERYTHING)
    other = Database(url)
    assert await Classifiers(other).resolve("news@v1") == version
    await other.close()


async def test_saving_something_else_makes_the_next_version(saved):
    classifier = await saved.get("news")
    assert [(v.number, v.definition) for v in classifier.versions] == [(1, SPORTS), (2, FINANCE), (3, WEATHER)]
    assert classifier.newest.number == 3
    assert [v.created_at for v in classifier.versions] == sorted(v.created_at for v in classifier.versions)


async def test_saving_the_newest_again_makes_no_version(classifiers):
    first, _ = await classifiers.save("news", EVERYTHING)
    again, is_new = await classifiers.save("news", EVERYTHING)
    assert (again, is_new) == (first, False)
    assert await numbers(classifiers) == [1]


async def test_saving_an_older_one_again_makes_it_the_newest(saved):
    version, is_new = await saved.save("news", SPORTS)
    assert (version.number, is_new) == (4, True)


async def test_the_order_of_labels_is_part_of_the_definition(classifiers):
    await classifiers.save("news", define(["a", "b"]))
    version, is_new = await classifiers.save("news", define(["b", "a"]))
    assert (version.number, is_new) == (2, True)


@pytest.mark.parametrize("must_exist", [False, True])
async def test_a_bad_name_is_refused(classifiers, must_exist):
    with pytest.raises(InputError):
        await classifiers.save("../news", SPORTS, must_exist=must_exist)


async def test_a_version_of_what_must_exist_is_only_made_where_it_does(saved):
    version, is_new = await saved.save("news", SPORTS, must_exist=True)
    assert (version.number, is_new) == (4, True)
    with pytest.raises(NotFound, match="no classifier 'weather'"):
        await saved.save("weather", SPORTS, must_exist=True)
    with pytest.raises(NotFound):
        await saved.get("weather")


async def test_what_must_exist_does_not_once_it_is_deleted(saved):
    await saved.delete("news")
    with pytest.raises(NotFound):
        await saved.save("news", SPORTS, must_exist=True)


@pytest.mark.parametrize(
    ("reference", "number"), [("news", 3), ("news@v1", 1), ("news@v3", 3), ("news@stable", 2), ("news@latest", 1)]
)
async def test_a_reference_stands_for_one_version(saved, reference, number):
    await saved.point("news", "stable", 2)
    await saved.point("news", "latest", 1)
    assert (await saved.resolve(reference)).number == number


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("weather", "no classifier 'weather'"),
        ("weather@v1", "no classifier 'weather'"),
        ("new", "no classifier 'new'"),
        ("news@v4", "no version or alias 'v4'"),
        ("news@v0", "no version or alias 'v0'"),
        ("news@v01", "no version or alias 'v01'"),
        ("news@v999999999", "no version or alias 'v999999999'"),
        ("news@v9999999999999999999", "no version or alias 'v9999999999999999999'"),
        ("news@stable", "no version or alias 'stable'"),
    ],
)
async def test_a_reference_to_nothing_is_not_found(saved, reference, says):
    with pytest.raises(NotFound, match=says) as refused:
        await saved.resolve(reference)
    assert refused.value.details == {"field": "classifier"}


@pytest.mark.parametrize("reference", ["", "../news", "news@../v1", "news@", "@v1", "news@v1@v2", "news\x00"])
async def test_what_is_no_reference_is_refused(saved, reference):
    for ask in (saved.resolve, saved.delete):
        with pytest.raises(InputError):
            await ask(reference)


async def test_a_version_never_changes(saved):
    before = await saved.resolve("news@v2")
    await saved.point("news", "stable", 2)
    await saved.save("news", SPORTS)
    await saved.delete("news@v1")
    assert await saved.resolve("news@v2") == before


async def test_a_deleted_version_is_gone_and_its_number_is_not_given_again(saved):
    await saved.delete("news@v3")
    assert await numbers(saved) == [1, 2]
    with pytest.raises(NotFound):
        await saved.resolve("news@v3")
    version, is_new = await saved.save("news", WEATHER)
    assert (version.number, is_new) == (4, True)


async def test_a_deleted_classifier_is_gone_and_its_numbers_are_not_given_again(saved):
    deleted = await saved.get("news")
    await saved.point("news", "stable", 1)
    await saved.delete("news")
    for ask in (saved.get, saved.resolve, saved.delete):
        with pytest.raises(NotFound):
            await ask("news")
    version, is_new = await saved.save("news", WEATHER)
    assert (version.number, is_new) == (4, True)
    assert version.id not in {old.id for old in deleted.versions}
    assert (await saved.get("news")).aliases == {}


async def test_deleting_every_version_deletes_the_classifier(saved):
    for number in (2, 1, 3):
        await saved.delete(f"news@v{number}")
    with pytest.raises(NotFound):
        await saved.get("news")
    assert await saved.list("", 10) == []
    assert (await saved.save("news", SPORTS))[0].number == 4


async def test_deleting_leaves_no_rows_behind(saved, database):
    await saved.point("news", "stable", 1)
    await saved.save("weather", SPORTS)
    await saved.delete("news")
    async with database.read() as session:
        assert await session.scalar(select(func.count(VersionRow.id))) == 1
        assert await session.scalar(select(func.count(AliasRow.id))) == 0


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("weather", "no classifier"),
        ("weather@v1", "no classifier"),
        ("news@v4", "no version 4"),
        ("news@v0", "no alias 'v0'"),
        ("news@other", "no alias 'other'"),
    ],
)
async def test_deleting_what_is_not_there_is_not_found(saved, reference, says):
    with pytest.raises(NotFound, match=says):
        await saved.delete(reference)
    assert await numbers(saved) == [1, 2, 3]


async def test_an_alias_is_not_deleted_as_a_version(saved):
    await saved.point("news", "stable", 1)
    with pytest.raises(Conflict, match="delete it under /v1/classifiers/news/aliases/stable"):
        await saved.delete("news@stable")


async def test_a_version_that_an_alias_points_to_is_not_deleted(saved):
    await saved.point("news", "latest", 2)
    await saved.point("news", "stable", 1)
    with pytest.raises(Conflict, match="'stable' points to version 1; move or delete the alias first"):
        await saved.delete("news@v1")
    assert await numbers(saved) == [1, 2, 3]
    await saved.point("news", "stable", 2)
    await saved.delete("news@v1")


async def test_a_refused_deletion_leaves_the_other_aliases_as_they_were(saved):
    for number in (2, 3):
        await saved.point("news", "a", number)
    await saved.point("news", "b", 2)
    with pytest.raises(Conflict):
        await saved.delete("news@v2")
    assert await saved.roll_back("news", "a") == 2


async def test_an_alias_moves(saved):
    assert await saved.point("news", "stable", 1) == 1
    assert await saved.point("news", "stable", 3) == 3
    assert (await saved.get("news")).aliases == {"stable": 3}


async def test_an_alias_rolls_back_step_by_step_to_where_it_began(saved):
    for number in (1, 2, 3, 1):
        await saved.point("news", "stable", number)
    assert [await saved.roll_back("news", "stable") for _ in range(3)] == [3, 2, 1]
    with pytest.raises(Conflict, match="nothing to roll back to"):
        await saved.roll_back("news", "stable")
    assert (await saved.resolve("news@stable")).number == 1


async def test_a_move_to_the_same_version_is_no_move(saved):
    for number in (1, 2, 2, 2):
        await saved.point("news", "stable", number)
    assert await saved.roll_back("news", "stable") == 1


async def test_a_move_after_a_roll_back_goes_on_from_there(saved):
    for number in (1, 2):
        await saved.point("news", "stable", number)
    await saved.roll_back("news", "stable")
    await saved.point("news", "stable", 3)
    assert await saved.roll_back("news", "stable") == 1


async def test_a_deleted_version_is_skipped_by_rolling_back(saved):
    for number in (1, 2, 3):
        await saved.point("news", "stable", number)
    await saved.delete("news@v2")
    assert await saved.roll_back("news", "stable") == 1


async def test_rolling_back_moves_even_where_what_lay_between_was_deleted(saved):
    for number in (3, 1, 2, 1):
        await saved.point("news", "stable", number)
    await saved.delete("news@v2")
    assert await saved.roll_back("news", "stable") == 3


async def test_an_alias_whose_earlier_versions_are_all_deleted_cannot_be_rolled_back(saved):
    for number in (1, 2, 3):
        await saved.point("news", "stable", number)
    await saved.delete("news@v1")
    await saved.delete("news@v2")
    with pytest.raises(Conflict):
        await saved.roll_back("news", "stable")


async def test_aliases_are_of_one_classifier(saved):
    await saved.save("weather", WEATHER)
    await saved.point("weather", "stable", 1)
    await saved.point("news", "stable", 2)
    assert (await saved.get("weather")).aliases == {"stable": 1}
    assert (await saved.get("news")).aliases == {"stable": 2}


async def test_a_removed_alias_is_gone_with_its_history(saved):
    for number in (1, 2):
        await saved.point("news", "stable", number)
    await saved.remove_alias("news", "stable")
    with pytest.raises(NotFound):
        await saved.resolve("news@stable")
    await saved.point("news", "stable", 3)
    with pytest.raises(Conflict):
        await saved.roll_back("news", "stable")


async def test_what_an_alias_needs_must_be_there(saved):
    with pytest.raises(NotFound, match="no version 4"):
        await saved.point("news", "stable", 4)
    with pytest.raises(NotFound, match="no version 99999999999999999999"):
        await saved.point("news", "stable", 99999999999999999999)
    with pytest.raises(NotFound, match="no classifier 'weather'"):
        await saved.point("weather", "stable", 1)
    for change in (saved.roll_back, saved.remove_alias):
        with pytest.raises(NotFound, match="no alias 'stable'"):
            await change("news", "stable")
        with pytest.raises(NotFound, match="no classifier 'weather'"):
            await change("weather", "stable")
    assert (await saved.get("news")).aliases == {}


@pytest.mark.parametrize(("name", "alias"), [("news", "v1"), ("news", "v0"), ("news", "../a"), ("news@v1", "stable")])
async def test_a_bad_alias_is_refused(saved, name, alias):
    with pytest.raises(InputError):
        await saved.point(name, alias, 1)


async def test_classifiers_are_listed_by_name_page_by_page(classifiers):
    for name in ("b", "a2", "c", "a", "a10"):
        await save_all(classifiers, name, 2)
    pages, after = [], ""
    while found := await classifiers.list(after, 2):
        pages.append([classifier.name for classifier in found])
        after = found[-1].name
    assert pages == [["a", "a10"], ["a2", "b"], ["c"]]


async def test_a_list_shows_versions_and_aliases(saved):
    await saved.point("news", "stable", 2)
    assert await saved.list("", 10) == [await saved.get("news")]


@pytest.mark.parametrize(
    ("only", "found"), [(None, ["a", "b", "c"]), ({"b", "c", "x"}, ["b", "c"]), (set(), []), (frozenset({"x"}), [])]
)
async def test_a_list_shows_only_what_may_be_shown(classifiers, only, found):
    for name in "abc":
        await classifiers.save(name, SPORTS)
    assert [classifier.name for classifier in await classifiers.list("", 10, only)] == found
    assert [classifier.name for classifier in await classifiers.list("a", 1, only)] == [
        name for name in found if name > "a"
    ][:1]


async def test_deleted_classifiers_do_not_fill_a_page(classifiers):
    for name in "abc":
        await classifiers.save(name, SPORTS)
    await classifiers.delete("a")
    assert [classifier.name for classifier in await classifiers.list("", 2)] == ["b", "c"]


@pytest.mark.parametrize("after", ["b", "B", "~", "é", "\U0001f4b6", "a/../b", "'; DROP TABLE classifier"])
async def test_a_list_may_begin_after_any_text(saved, after):
    await saved.list(after, 10)


@pytest.mark.parametrize("after", ["\x00", "a\x00", "\ud800"])
async def test_a_list_after_what_is_no_text_is_refused_on_every_database(saved, after):
    with pytest.raises(InputError) as refused:
        await saved.list(after, 10)
    assert refused.value.field == "after"


async def servers_of(url, count):
    return [Classifiers(Database(url)) for _ in range(count)]


async def close(servers):
    await asyncio.gather(*(server.database.close() for server in servers))


async def test_every_server_may_make_the_same_new_name_at_once(url, classifiers):
    servers = await servers_of(url, 3)
    wanted = [define([f"label {n}"]) for n in range(12)]
    outcomes = await asyncio.gather(
        *(servers[n % 3].save("news", definition) for n, definition in enumerate(wanted)),
    )
    await close(servers)
    assert all(is_new for _, is_new in outcomes)
    assert sorted(version.number for version, _ in outcomes) == list(range(1, 13))
    assert {v.id: v for v, _ in outcomes} == {v.id: v for v in (await classifiers.get("news")).versions}


async def test_the_same_thing_saved_by_every_server_at_once_is_one_version(url, classifiers):
    servers = await servers_of(url, 3)
    outcomes = await asyncio.gather(*(servers[n % 3].save("news", SPORTS) for n in range(9)))
    await close(servers)
    assert sorted(is_new for _, is_new in outcomes) == [False] * 8 + [True]
    assert {version.id for version, _ in outcomes} == {(await classifiers.resolve("news")).id}


async def test_saves_deletions_and_moves_at_once_lose_nothing(url, saved):
    servers = await servers_of(url, 2)
    await saved.point("news", "stable", 3)
    saves = [servers[n % 2].save("news", define([f"label {n}"])) for n in range(8)]
    moves = [servers[n % 2].point("news", "stable", 2 + n % 2) for n in range(6)]
    outcomes = await asyncio.gather(*saves, *moves, saved.remove_alias("news", "stable"), saved.delete("news@v1"))
    await close(servers)
    made = {version.number for version, _ in outcomes[: len(saves)]}
    assert made == set(range(4, 12))
    assert await numbers(saved) == list(range(2, 12))


async def test_a_reader_never_sees_half_of_a_change(url, saved):
    """An alias that points to a version which another server has made since the reader began to read."""
    await saved.point("news", "stable", 1)
    reading, writing = await servers_of(url, 2)
    is_reading, has_written = asyncio.Event(), asyncio.Event()
    pause_before(reading.database, "classifier_alias", is_reading, has_written)

    async def change():
        await is_reading.wait()
        version, _ = await writing.save("news", EVERYTHING)
        await writing.point("news", "stable", version.number)
        has_written.set()

    version, _ = await asyncio.gather(reading.resolve("news@stable"), change())
    await close([reading, writing])
    assert version.number == 1
    assert (await saved.resolve("news@stable")).number == 4


def pause_before(database, table, reached, goes_on):
    """Stops that database's reading of a table until `goes_on` is set."""

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def pause(_, __, statement, *rest):
        if f"FROM {table}" in statement:
            reached.set()
            await_only(goes_on.wait())


async def test_the_number_of_a_version_made_while_its_classifier_was_deleted_is_not_given_again(url, saved):
    (other,) = servers = await servers_of(url, 1)
    (version, is_new), _ = await asyncio.gather(saved.save("news", EVERYTHING), other.delete("news"))
    await close(servers)
    assert (version.number, is_new) == (4, True)
    assert (await saved.save("news", SPORTS))[0].number == 5
