"""Which strings are readable text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nli_tagger import InputError
from nli_tagger.strings import check_readable


@pytest.mark.parametrize("value", ["plain", "", "a\tb\r\nc", "form\ffeed", "emoji \U0001f600", "日本語", "a\x85b"])
def test_readable_strings_come_back_unchanged(value):
    assert check_readable(value, "text") == value


@pytest.mark.parametrize(
    ("value", "kind"), [(None, "NoneType"), (3, "int"), (b"bytes", "bytes"), (["list"], "list"), (True, "bool")]
)
def test_other_types_are_refused_by_name(value, kind):
    with pytest.raises(InputError, match=f"text must be a string, not {kind}") as refused:
        check_readable(value, "text")
    assert refused.value.field == "text"


@pytest.mark.parametrize("code", [0x00, 0x01, 0x08, 0x0E, 0x1B, 0x1F, 0x7F])
def test_control_characters_are_refused_with_their_place(code):
    with pytest.raises(InputError, match=rf"text holds the control character U\+{code:04X} at position 2; remove it"):
        check_readable(f"ab{chr(code)}c", "text")


@pytest.mark.parametrize("white", ["\t", "\n", "\r", "\v", "\f"])
def test_tabs_and_line_breaks_are_refused_only_where_one_line_is_asked(white):
    assert check_readable(f"a{white}b", "text") == f"a{white}b"
    with pytest.raises(InputError, match="control character"):
        check_readable(f"a{white}b", "text", one_line=True)


@pytest.mark.parametrize("surrogate", [chr(0xD800), chr(0xDCFF)], ids=ascii)
def test_lone_surrogates_are_refused_with_their_place(surrogate):
    with pytest.raises(InputError, match="text holds a lone surrogate at position 1; send valid Unicode"):
        check_readable(f"a{surrogate}b", "text")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_without_surrogates_and_controls_is_readable(value):
    assert check_readable(value, "text", one_line=True) == value
