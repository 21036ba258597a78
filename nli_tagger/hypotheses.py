"""Label + description + text type -> the hypothesis sentence that the model scores.

Training and serving say the same sentences: both call `hypothesis`. A label is read as a
person would read it: `refund_request` is two words, `iPhone` is one, a question asks for a
yes, and a label that is a whole statement is its own hypothesis.
"""

import re

TEMPLATE_VERSION = 1
"""Part of every cache key and manifest: it changes whenever the same label reads differently."""

_KEPT_AS_WRITTEN = frozenset(
    "YouTube LinkedIn PayPal GitHub GitLab WhatsApp TikTok OpenAI JavaScript TypeScript PowerPoint DevOps".split()
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_JOINED = re.compile(r"(?<=\w)[_]+(?=\w)|(?<=[a-z]{2})\.(?=[a-z]{2})")
_CLOSING = " .!?\u3002\uff01\uff1f"
_ARTICLE = re.compile(r"^(a|an|the|this)\s+", re.IGNORECASE)

_SUBJECTS = frozenset(
    "the this that these those it he she they we i you there a an somebody someone somewhere something nobody nothing"
    " everybody everyone everything all no some my our your his her their".split()
)
_VERBS = frozenset(
    "is are was were be has have had does do did can could will would should must may might shall cannot isn't aren't"
    " wasn't weren't hasn't haven't doesn't don't didn't can't won't wouldn't needs wants wanted went came got took"
    " made said gave left sent found told felt ran saw knew kept lost won fell".split()
)
_ASKS = frozenset(
    "is are was were has have had does do did can could will would should must may might who what when where why how"
    " which whose".split()
)


def hypothesis(label: str, description: str | None = None, text_type: str | None = None) -> str:
    """One sentence that is true of a text exactly when the label applies to it.

    >>> hypothesis("refund_request", text_type="support ticket")
    'This support ticket is tagged refund request.'
    >>> hypothesis("technology", "Hardware, software, gadgets.")
    'This text is tagged technology: Hardware, software, gadgets.'
    >>> hypothesis("The writer apologises")
    'The writer apologises.'
    >>> hypothesis("Is a permit needed?")
    'Is a permit needed? Yes.'
    """
    words = readable(label)
    if is_question(words):
        claim = f"{_open(words)}? Yes"
    elif is_statement(words):
        claim = words
    else:
        claim = f"This {_noun(text_type)} is tagged {words}"
    detail = _clean(description or "").rstrip(_CLOSING)
    return f"{_open(claim)}: {detail}." if detail else f"{_open(claim)}."


def readable(label: str) -> str:
    """A label as words: `snake_case`, `camelCase` and `dotted.names` split, brand names and acronyms kept.

    >>> readable("billingIssue"), readable("HTTPError"), readable("iPhone"), readable("c/c++")
    ('billing Issue', 'HTTP Error', 'iPhone', 'c/c++')
    """
    words = _clean(_JOINED.sub(" ", label))
    return " ".join(_split_humps(word) for word in words.split(" "))


def is_question(words: str) -> bool:
    """A label that asks something: it ends in a question mark and opens like a question."""
    return words.endswith("?") and words.split(" ", 1)[0].lower() in _ASKS


def is_statement(words: str) -> bool:
    """A label that is a whole sentence: it opens with a subject and a finite verb follows.

    Without a parser this is a rule of thumb; a wrong guess costs little, because the model
    is trained on both readings of a label.
    """
    if words.endswith((".", "!")) and words.count(" ") >= 2:
        return True
    tokens = words.lower().split(" ")
    if len(tokens) < 3 or tokens[0] not in _SUBJECTS:
        return False
    return any(_may_be_verb(token, position) for position, token in enumerate(tokens[1:], start=1))


def _may_be_verb(token: str, position: int) -> bool:
    if token in _VERBS:
        return True
    return position >= 2 and token.endswith(("s", "ed")) and not token.endswith("ss")


def _split_humps(word: str) -> str:
    if word in _KEPT_AS_WRITTEN:
        return word
    parts = _HUMP.split(word)
    whole_humps = all(len(part) >= 3 or part.isupper() for part in parts[:1]) and len(parts[-1]) >= 2
    return " ".join(parts) if len(parts) > 1 and whole_humps else word


def _noun(text_type: str | None) -> str:
    return _ARTICLE.sub("", readable(text_type or "")).rstrip(" .") or "text"


def _open(sentence: str) -> str:
    """Without its closing marks, so that the hypothesis ends in one."""
    return sentence.rstrip(_CLOSING) or sentence


def _clean(words: str) -> str:
    return " ".join(words.split())
