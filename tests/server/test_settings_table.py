"""The README's table comes from the declarations."""

import attrs

from server.settings import ServerSettings
from server.settings_table import settings_table


def test_every_setting_has_a_row_with_its_help():
    rows = settings_table().splitlines()[2:]
    fields = attrs.fields(ServerSettings)
    assert len(rows) == len(fields)
    for row, field in zip(rows, fields, strict=True):
        assert f"`NLI_TAGGER_{field.name.upper()}`" in row
        assert field.metadata["typed-settings"]["help"] in row


def test_no_default_depends_on_the_machine():
    assert "| `0` | Cores that one inference uses" in settings_table()
