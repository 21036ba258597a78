"""The cache in memory: Litestar's contract for stores, and bounds that hold whatever is stored."""

import asyncio
import tracemalloc
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.memory_store import _OVERHEAD, BoundedMemoryStore


class Clock:
    """Time that passes when a test says so."""

    def __init__(self):
        self.now = 1_000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr("server.memory_store.time", SimpleNamespace(monotonic=made.monotonic))
    return made


def driven(drive):
    """Runs `drive(store)` with a store that has room."""
    return asyncio.run(drive(BoundedMemoryStore(1_000_000, 1_000)))


async def present(store, keys):
    return [key for key in keys if await store.exists(key)]


def test_what_was_set_comes_back_as_bytes():
    async def drive(store):
        await store.set("bytes", b"\x00\xff")
        await store.set("text", "Größe")
        return await store.get("bytes"), await store.get("text")

    assert driven(drive) == (b"\x00\xff", "Größe".encode())


def test_what_was_never_set_is_none():
    async def drive(store):
        await store.delete("unknown")
        return await store.get("unknown"), await store.exists("unknown"), await store.expires_in("unknown")

    assert driven(drive) == (None, False, None)


def test_setting_again_replaces_the_value_and_its_time(clock):
    async def drive(store):
        await store.set("key", "old", expires_in=10)
        await store.set("key", "new")
        clock.now += 11
        return await store.get("key"), await store.expires_in("key")

    assert driven(drive) == (b"new", None)


def test_what_is_deleted_is_gone():
    async def drive(store):
        for key in "abc":
            await store.set(key, key)
        await store.delete("b")
        some = await present(store, "abc")
        await store.delete_all()
        return some, await present(store, "abc")

    assert driven(drive) == (["a", "c"], [])


@pytest.mark.parametrize("lifetime", [10, timedelta(seconds=10)])
def test_a_value_expires(clock, lifetime):
    async def drive(store):
        await store.set("key", "value", expires_in=lifetime)
        before, clock.now = await store.get("key"), clock.now + 9.9
        almost, clock.now = await store.get("key"), clock.now + 0.2
        return before, almost, await store.get("key"), await store.exists("key"), await store.expires_in("key")

    assert driven(drive) == (b"value", b"value", None, False, None)


@pytest.mark.parametrize("lifetime", [0, -1, timedelta(0)])
def test_a_value_without_a_lifetime_is_not_stored(lifetime):
    async def drive(store):
        await store.set("key", "old")
        await store.set("key", "new", expires_in=lifetime)
        return await store.get("key")

    assert driven(drive) is None


def test_the_time_left_is_told_in_seconds(clock):
    async def drive(store):
        await store.set("key", "value", expires_in=10)
        clock.now += 4
        return await store.expires_in("key")

    assert driven(drive) == 6


@pytest.mark.parametrize("renewed", [20, timedelta(seconds=20)])
def test_getting_renews_the_time(clock, renewed):
    async def drive(store):
        await store.set("key", "value", expires_in=10)
        clock.now += 9
        return await store.get("key", renew_for=renewed), await store.expires_in("key")

    assert driven(drive) == (b"value", 20)


def test_getting_gives_no_time_to_what_lives_for_ever(clock):
    async def drive(store):
        await store.set("key", "value")
        await store.get("key", renew_for=10)
        clock.now += 11
        return await store.get("key"), await store.expires_in("key")

    assert driven(drive) == (b"value", None)


def test_getting_does_not_revive_what_has_expired(clock):
    async def drive(store):
        await store.set("key", "value", expires_in=10)
        clock.now += 11
        return await store.get("key", renew_for=10), await store.exists("key")

    assert driven(drive) == (None, False)


def test_the_least_recently_used_goes_first():
    async def drive():
        store = BoundedMemoryStore(1_000_000, 3)
        for key in "abc":
            await store.set(key, key)
        await store.get("a")
        await store.set("d", "d")
        return await present(store, "abcd")

    assert asyncio.run(drive()) == ["a", "c", "d"]


def test_what_has_expired_makes_room_before_what_lives(clock):
    async def drive():
        store = BoundedMemoryStore(1_000_000, 2)
        await store.set("long", "x")
        await store.set("short", "x", expires_in=10)
        await store.get("short")
        clock.now += 11
        await store.set("new", "x")
        return await present(store, ["long", "short", "new"])

    assert asyncio.run(drive()) == ["long", "new"]


def test_a_large_entry_pushes_out_as_many_as_it_needs():
    async def drive():
        store = BoundedMemoryStore(10 * (_OVERHEAD + 100), 1_000)
        for number in range(10):
            await store.set(str(number), b"x" * 100)
        await store.set("large", b"x" * (3 * (_OVERHEAD + 100) - _OVERHEAD))
        return await present(store, [*map(str, range(10)), "large"])

    assert asyncio.run(drive()) == [*map(str, range(3, 10)), "large"]


def test_an_entry_larger_than_everything_is_not_stored_and_pushes_out_nothing_else():
    async def drive():
        store = BoundedMemoryStore(5_000, 1_000)
        await store.set("small", "x")
        await store.set("replaced", "x")
        await store.set("replaced", b"x" * 5_000)
        return await present(store, ["small", "replaced"])

    assert asyncio.run(drive()) == ["small"]


@pytest.mark.parametrize("bounds", [(0, 1_000), (1_000_000, 0)])
def test_no_room_at_all_is_no_error(bounds):
    async def drive():
        store = BoundedMemoryStore(*bounds)
        await store.set("key", "value")
        return await store.get("key")

    assert asyncio.run(drive()) is None


KEYS = st.sampled_from("abcdefghij")
LIFETIMES = st.none() | st.integers(0, 20)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, st.integers(0, 3_000), LIFETIMES),
        st.tuples(st.just("get"), KEYS, LIFETIMES),
        st.tuples(st.just("delete"), KEYS),
        st.tuples(st.just("wait"), st.integers(1, 15)),
    ),
    max_size=60,
)


async def held(store, keys):
    return {key: value for key in keys if (value := await store.get(key)) is not None}


@given(STEPS, st.integers(0, 8_000), st.integers(0, 6))
def test_the_bounds_hold_and_no_value_is_wrong_or_outlives_its_time(steps, most_bytes, most_entries):
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        patch.setattr("server.memory_store.time", SimpleNamespace(monotonic=clock.monotonic))
        asyncio.run(compared(steps, most_bytes, most_entries, clock))


async def compared(steps, most_bytes, most_entries, clock):
    """The store beside a dictionary that forgets nothing but what has expired."""
    store, model = BoundedMemoryStore(most_bytes, most_entries), {}
    for number, step in enumerate(steps):
        match step:
            case ("set", key, size, lifetime):
                value = number.to_bytes(2) + bytes(size)
                await store.set(key, value, lifetime)
                model[key] = value, None if lifetime is None else clock.now + lifetime
            case ("get", key, renewed):
                if await store.get(key, renewed) is not None and renewed is not None and model[key][1] is not None:
                    model[key] = model[key][0], clock.now + renewed
            case ("delete", key):
                await store.delete(key)
                model.pop(key, None)
            case ("wait", seconds):
                clock.now += seconds
        found = await held(store, "abcdefghij")
        assert len(found) <= most_entries
        assert sum(len(value) + _OVERHEAD for value in found.values()) <= most_bytes
        living = {key: value for key, (value, end) in model.items() if end is None or clock.now < end}
        assert found.items() <= living.items()


def test_the_bound_is_near_the_memory_that_python_takes():
    async def drive():
        store = BoundedMemoryStore(2_000_000, 1_000_000)
        before, _ = tracemalloc.get_traced_memory()
        for number in range(20_000):
            await store.set(f"{number:064d}", bytes(60), expires_in=86_400)
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    try:
        assert 1_500_000 < asyncio.run(drive()) < 3_500_000
    finally:
        tracemalloc.stop()
