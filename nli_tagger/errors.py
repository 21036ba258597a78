"""Everything this library raises on purpose.

NliTaggerError
├── InputError            a request that cannot be answered; says what to do
│   └── TextTooLongError  more tokens of text than one request may have
└── BundleError           a model folder that cannot be used
"""


class NliTaggerError(Exception):
    """Base of all errors of this library."""


class InputError(NliTaggerError, ValueError):
    """A bad argument. `field` names it as the HTTP API does: "text", "labels", "threshold"..."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class TextTooLongError(InputError):
    """The text has more tokens than one request may have."""


class BundleError(NliTaggerError):
    """A model folder is missing, incomplete, damaged, or of another format version."""
