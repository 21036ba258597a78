"""Which strings are readable text: what a tokenizer can read without losing anything."""

import re

from nli_tagger.errors import InputError

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f\x7f]")


def check_readable(value: object, field: str, *, one_line: bool = False) -> str:
    """The value itself when it is a string without lone surrogates and control characters.

    Tabs and line breaks are text, unless `one_line` forbids them. Raises `InputError`.
    """
    if not isinstance(value, str):
        raise InputError(f"{field} must be a string, not {type(value).__name__}.", field)
    _check_encodable(value, field)
    found = (_CONTROL_OR_BREAK if one_line else _CONTROL).search(value)
    if found:
        code = f"U+{ord(found[0]):04X}"
        raise InputError(f"{field} holds the control character {code} at position {found.start()}; remove it.", field)
    return value


def _check_encodable(value: str, field: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        where = f"{field} holds a lone surrogate at position {error.start}"
        raise InputError(f"{where}; send valid Unicode (a surrogate only as one of a pair).", field) from None
