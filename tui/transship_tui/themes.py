"""The themes that Transship brings beside Textual's own."""

from __future__ import annotations

from textual.theme import Theme

TRANSSHIP = Theme(
    name="transship",
    primary="#5b9bd5",
    secondary="#7a8fa6",
    accent="#4fb3bf",
    success="#6fb36f",
    warning="#d9a441",
    error="#d9665b",
    foreground="#d8dee6",
    background="#14181d",
    surface="#1a2027",
    panel="#222a33",
    dark=True,
)

TRANSSHIP_LIGHT = Theme(
    name="transship-light",
    primary="#1f5f99",
    secondary="#5a6b7d",
    accent="#0f7480",
    success="#2c7a3a",
    warning="#8f6200",
    error="#b3362a",
    foreground="#1e252d",
    background="#fafbfc",
    surface="#f1f4f7",
    panel="#e4e9ee",
    dark=False,
)

# Blue for good and orange for bad stay apart in every common kind of colour blindness.
TRANSSHIP_CVD = Theme(
    name="transship-cvd",
    primary="#56b4e9",
    secondary="#999999",
    accent="#56b4e9",
    success="#56b4e9",
    warning="#f0e442",
    error="#e69f00",
    foreground="#e6e6e6",
    background="#101214",
    surface="#181b1f",
    panel="#22262b",
    dark=True,
)

THEMES = (TRANSSHIP, TRANSSHIP_LIGHT, TRANSSHIP_CVD)


def without_ansi(theme: Theme) -> str:
    """Return the name of a theme, of ours for one that leaves its colours to the terminal."""
    if not theme.ansi:
        return theme.name
    return TRANSSHIP.name if theme.dark else TRANSSHIP_LIGHT.name
