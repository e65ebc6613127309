"""`KEYS.md`: every key, for who looks them up or gives them another place."""

from __future__ import annotations

from transship_tui.keys import CONTEXTS, shown


def keys_document() -> str:
    """Return `KEYS.md`: every key with its id and what it does."""
    lines = [
        "# Keys",
        "",
        "Made from `tui/transship_tui/keys/` by `make keys`. An id can be given other keys in",
        "`config.toml`, under `[keys]`.",
    ]
    for title, keys in CONTEXTS.values():
        lines += ["", f"## {title}", "", "| Key | What it does | Id |", "|---|---|---|"]
        lines += [f"| {_shown(key.keys)} | {key.tooltip} | `{key.id}` |" for key in keys]
    return "\n".join(lines) + "\n"


def _shown(keys: str) -> str:
    return ", ".join(f"`{shown(key)}`" for key in keys.split(","))
