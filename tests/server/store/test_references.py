"""Names: what may be one, what a reference means, and which rows it picks."""

import re
from datetime import date
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nli_tagger import InputError
from server.store.models import NAME_CHARACTERS
from server.store.references import check_alias, check_name, split_reference, version_number
from server.store.usage import Counts, UsageKey

DAY = date(2026, 1, 2)
DOCUMENTED = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?", re.ASCII)

names = st.from_regex(DOCUMENTED, fullmatch=True).filter(lambda name: len(name) <= NAME_CHARACTERS)
almost_names = st.text(
    st.sampled_from("ab09-_.@/\\:~%*? \n\r\t\x00Aé²\u0430\uff41\u2024\u2215\uff0f\u0130\ud800"), max_size=12
)


def is_accepted(name: str) -> bool:
    try:
        return check_name(name) == name
    except InputError:
        return False


def refusal(check, *arguments) -> InputError:
    with pytest.raises(InputError) as refused:
        check(*arguments)
    return refused.value


@given(names)
def test_what_the_rule_allows_is_a_name(name):
    assert check_name(name) == name


@given(st.text() | almost_names | st.builds("".join, st.tuples(names, almost_names, names)))
def test_a_name_is_what_the_rule_allows_and_nothing_else(name):
    assert is_accepted(name) == bool(DOCUMENTED.fullmatch(name) and len(name) <= NAME_CHARACTERS)


@given(almost_names | names)
def test_a_name_is_one_harmless_part_of_a_path_everywhere(name):
    if is_accepted(name):
        assert PurePosixPath("/data", name).parts == ("/", "data", name)
        assert PureWindowsPath("C:/data", name).parts == ("C:\\", "data", name)
        assert name not in (".", "..")
        assert not name.startswith((".", "-", "~"))
        assert name.isascii()
        assert name == name.lower() == name.strip()


PATHS = [".", "..", "../a", "a/b", "a\\b", "/a", "~a", ".a", "a.b"]
SPACES = ["", " ", " a", "a b", "a\n", "\na", "a\x00", "\x00a"]
ENDS = ["-", "_", "-a", "a-", "_a", "a_"]
LOOK_ALIKES = ["A", "é", "①", "\u0430", "\uff41", "a\u2024b", "a\u2215b", "a\uff0fb", "a\u200bb", "a\u0130b"]


@pytest.mark.parametrize("name", [*PATHS, *SPACES, *ENDS, *LOOK_ALIKES, "a@v1"])
def test_what_is_no_name_is_refused_in_words(name):
    error = refusal(check_name, name)
    assert error.field == "name"
    assert error.message.startswith("name must be 1 to 64 of the characters a-z, 0-9")


def test_a_name_has_at_most_sixty_four_characters():
    assert check_name("a" * 64) == "a" * 64
    refusal(check_name, "a" * 65)


def test_a_refusal_names_the_field_that_was_sent():
    assert refusal(check_name, "..", "classifier").field == "classifier"
    assert refusal(check_alias, "..").field == "alias"
    assert refusal(split_reference, "../a@v1").field == "classifier"


@given(names, st.integers(1, 999_999_999))
def test_a_pinned_reference_is_a_name_and_a_number(name, number):
    assert split_reference(f"{name}@v{number}") == (name, f"v{number}")
    assert version_number(f"v{number}") == number


@given(names, names)
def test_a_reference_by_alias_is_two_names(name, alias):
    assert split_reference(f"{name}@{alias}") == (name, alias)


@given(names)
def test_a_bare_name_is_a_reference(name):
    assert split_reference(name) == (name, None)


@pytest.mark.parametrize(
    "reference", ["", "@", "@v1", "news@", "news@@v1", "news@v1@v2", "news@../v1", "news@V1", "news@v1 ", "a b@v1"]
)
def test_what_is_no_reference_is_refused(reference):
    assert refusal(split_reference, reference).field == "classifier"


@pytest.mark.parametrize(
    "which", ["v0", "v01", "v", "1", "v1000000000", "v" + "9" * 60, "v-1", "v1_0", "v²", "v٣", "V1"]
)
def test_what_is_no_version_has_no_number(which):
    assert version_number(which) is None


@pytest.mark.parametrize("alias", ["stable", "v", "v1beta", "vv1", "1v", "2026", "v-1", "release-v2"])
def test_a_word_is_an_alias(alias):
    assert check_alias(alias) == alias


@pytest.mark.parametrize("alias", ["v1", "v0", "v01", "v12", "v1000000000", "v" + "9" * 60])
def test_what_looks_like_a_version_is_no_alias(alias):
    error = refusal(check_alias, alias)
    assert error.field == "alias"
    assert "must not look like a version" in error.message


STORED = ["", "news", "news@v1", "news@v2", "news@v21", "news2@v1", "news-2@v1", "new@v1", "ne_s@v1", "ne-s@v1", "x@v1"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("news", ["news", "news@v1", "news@v2", "news@v21"]),
        ("news@v2", ["news@v2"]),
        ("news2", ["news2@v1"]),
        ("new", ["new@v1"]),
        ("ne_s", ["ne_s@v1"]),
        ("news@stable", []),
        ("other", []),
        ("", [""]),
    ],
)
async def test_a_filter_picks_the_versions_of_that_classifier_alone(usage, asked, found):
    await usage.add({UsageKey(DAY, "key", classifier): Counts(requests=1) for classifier in STORED})
    assert [row.classifier for row in await usage.between(DAY, DAY, None, asked)] == found


@pytest.mark.anyio
@pytest.mark.parametrize("asked", ["NEWS", "n%", "n%s", "news@", "news@v_", "\x00", "news\x00", "a/b", "\ud800"])
async def test_a_filter_that_is_no_reference_is_refused_on_every_database(usage, asked):
    with pytest.raises(InputError) as refused:
        await usage.between(DAY, DAY, None, asked)
    assert refused.value.field == "classifier"
