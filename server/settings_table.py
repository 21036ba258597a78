"""The settings as a Markdown table, for the README: `python -m server.settings_table`."""

import attrs

from server.settings import ServerSettings


def settings_table() -> str:
    """One row a setting: environment variable, flag, default, meaning."""
    rows = ["| environment | flag | default | meaning |", "|---|---|---|---|"]
    for field in attrs.fields(ServerSettings):  # type: ignore[arg-type]
        name, meaning = field.name, field.metadata["typed-settings"]["help"]
        rows.append(
            f"| `NLI_TAGGER_{name.upper()}` | `--{name.replace('_', '-')}` | {_default(field.default)} | {meaning} |"
        )
    return "\n".join(rows)


def _default(value: object) -> str:
    return "" if value is None or isinstance(value, attrs.Factory) else f"`{value}`"  # type: ignore[arg-type]


if __name__ == "__main__":
    print(settings_table())
