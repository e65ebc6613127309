"""What the benchmarks have measured, and the most that each figure may be."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

KEPT_IN = "TRANSSHIP_BENCH_FIGURES"
"""The variable that names the file to which figures are added, one JSON object a line."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `most` is its budget; None where there is none."""

    what: str
    value: float
    unit: str
    most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether it is within its budget."""
        return self.most is None or self.value <= self.most

    @property
    def line(self) -> str:
        """What is printed of it."""
        budget = "" if self.most is None else f"at most {_number(self.most)}"
        missed = "" if self.holds else "  MISSED"
        return f"{self.what:<58} {_number(self.value):>10} {self.unit:<9} {budget:<14}{missed}"


def keep(*figures: Figure) -> int:
    """Print figures, and add them to the file that gathers them; return the exit status."""
    print("\n".join(figure.line.rstrip() for figure in figures), flush=True)
    if gathered := os.environ.get(KEPT_IN):
        with Path(gathered).open("a") as file:
            file.writelines(f"{json.dumps(asdict(figure))}\n" for figure in figures)
    return int(not all(figure.holds for figure in figures))


def gathered(path: Path) -> list[Figure]:
    """Return the figures that were added to a file."""
    if not path.exists():
        return []
    return [Figure(**json.loads(line)) for line in path.read_text().splitlines()]


def _number(value: float) -> str:
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"
