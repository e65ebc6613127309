"""The pictures of the README show the app as it is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

NAMES = (
    "registries",
    "browse",
    "copy",
    "preview",
    "proven",
    "rule",
    "plan",
    "drift",
    "board",
    "cutover",
    "who",
    "following",
    "quick",
)
"""Of a running job no two pictures are the same."""

FOLDER = Path(__file__).parents[1] / "screenshots"
TAKEN = Path(__file__).parent / "pictures.py"


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    subprocess.run([sys.executable, str(TAKEN), str(folder)], check=True, timeout=300)
    return folder


def words(picture: Path) -> list[str]:
    """Return what a picture says, without the numbers that no two runs share."""
    text = re.sub(r"<[^>]+>", "\n", picture.read_text(encoding="utf-8"))
    text = re.sub(r"[\d.,:]+|&#160;|[━─▁-█]", " ", text.replace("&#160;", " "))
    # A unit follows its number, and a state its moment.
    text = re.sub(r"\b(B|KiB|MiB|GiB|s|min|UTC|ago)\b(/s)?", " ", text)
    return sorted(set(text.split()))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_a_picture_is_up_to_date(taken: Path, name: str, size: str) -> None:
    picture = f"{name}-{size}.svg"
    assert words(FOLDER / picture) == words(taken / picture), "run `make screenshots`"


@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_the_picture_of_a_running_job_is_there(taken: Path, size: str) -> None:
    for folder in (FOLDER, taken):
        assert "Lanes" in words(folder / f"running-{size}.svg")
