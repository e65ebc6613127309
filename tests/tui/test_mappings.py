"""The mapping with which a refused name fits: in lines, in JSON and in the app's rows."""

from __future__ import annotations

import pytest

from transship.errors import PathRefused
from transship.oci.reference import Reference
from transship.plans.outline import Proposal
from transship.transfers.copies import Copy, Verdict, Worklist
from transship.transfers.preview import Preview
from transship_tui.commands.preview import PreviewShown, preview_document, preview_lines
from transship_tui.naming import Naming
from transship_tui.screens.plan.preview import PreviewRows

OLD, NEW = "old.example", "new.example"
PROBLEM = PathRefused("web has 1 part; names here have 2 or more")


@pytest.fixture
def preview() -> Preview:
    source, target = Reference(OLD, "web", "1"), Reference(NEW, "web", "1")
    copy = Copy(
        1, source, target, None, None, Verdict.BLOCKED, reason=str(PROBLEM), problem=PROBLEM
    )
    becomes = {(Reference(OLD, "web"), NEW): Reference(NEW, "library/web")}
    return Preview(
        Worklist((copy,), (), {}), proposals=(Proposal(1, "library/{repository}", becomes),)
    )


def test_a_line_says_what_to_write_and_what_comes_of_it(preview: Preview) -> None:
    told = list(preview_lines(PreviewShown(preview, 0), None, everything=False))

    words = 'rule 2: with map = "library/{repository}" 1 name fits: web becomes library/web'
    assert words in told


def test_json_has_it_by_the_number_of_the_rule(preview: Preview) -> None:
    assert preview_document(PreviewShown(preview, 0))["mappings"] == [
        {
            "rule": 1,
            "map": "library/{repository}",
            "becomes": [{"source": "old.example/web", "target": "new.example/library/web"}],
        }
    ]


def test_the_app_shows_it_with_the_copy(preview: Preview) -> None:
    rows = PreviewRows(preview.worklist.copies, Naming(()), preview)

    _, facts = rows.facts(0)
    assert ("Fits with", 'map = "library/{repository}" in rule 2: library/web') in facts
    assert any("library/web" in line.plain for line in rows.in_full(0, 80))
