"""What the tests of the app have in common: apps that start quickly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from textual.css.stylesheet import Stylesheet

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def styles_are_parsed_once() -> Iterator[None]:
    """Let all apps of the session have the same parsed styles, where theme and text are the same.

    Each app would parse them again: a tenth of the time that these tests take.
    """
    parse = Stylesheet._parse_rules
    parsed: dict[Any, Any] = {}

    def parse_once(sheet: Stylesheet, css: str, *arguments: Any, **options: Any) -> Any:
        variables = frozenset(sheet._variables.items())
        key = (variables, css, arguments, tuple(sorted(options.items())))
        if key not in parsed:
            parsed[key] = parse(sheet, css, *arguments, **options)
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield
