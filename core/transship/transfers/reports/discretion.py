"""What a report leaves out: where things are on the machine that it was made on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import PurePath

from transship.oci.reference import LAYOUT

Discreet = Callable[[str], str]
"""Returns a text without the paths of this machine."""

_ROOTS = "home|root|Users|tmp|var|etc|opt|srv|mnt|media|usr|private|run|data|work|Volumes"
# What a registry is asked for begins with a slash too, but not with one of these.
_PATH = re.compile(rf"(?<![\w.:@/-])/(?:{_ROOTS})(?:/[^\s/'\"`,;:()]+)+/?")


def discreet(places: Iterable[str], folders: Iterable[PurePath] = ()) -> Discreet:
    """Return what takes the paths of this machine out of a text.

    Of a layout folder among the `places`, and of the `folders` (longest first) and of whatever
    else looks like a path, only the last name is left.
    """
    layouts = [place.removeprefix(LAYOUT) for place in places if place.startswith(LAYOUT)]
    known = sorted({*layouts, *map(str, folders)}, key=len, reverse=True)
    pattern = re.compile("|".join(rf"{re.escape(path)}(?![\w.-])" for path in known if path != "/"))

    def hide(text: str) -> str:
        if "/" not in text:
            return text
        if known:
            text = pattern.sub(_last, text)
        return _PATH.sub(_last, text)

    return hide


def _last(found: re.Match[str]) -> str:
    return f"…/{PurePath(found[0]).name}"
