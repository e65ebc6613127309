"""What tasks name, and by which reading of the patterns it was right to take them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from transship.engines.executions import ExecutionState, ExecutionTask
from transship.engines.tcr.sync_rules import PatternSyntax, images_in, review_execution

BOTH = (PatternSyntax.GLOB, PatternSyntax.REGEX)


@pytest.mark.parametrize(
    ("resource", "images"),
    [
        ("test/test:[1g]", ["test/test:1g"]),
        ("team/a/web:[v1,v2]", ["team/a/web:v1", "team/a/web:v2"]),
        ("team/a/web:[v1, v2]", ["team/a/web:v1", "team/a/web:v2"]),
        ("team/web:v1", ["team/web:v1"]),
        ("team/web", ["team/web"]),
        ("team/web:[]", ["team/web"]),
        ("what ] is: this [", ["what ] is: this ["]),
    ],
)
def test_a_source_names_images(resource: str, images: Sequence[str]) -> None:
    assert list(images_in(resource)) == images


@pytest.mark.parametrize(
    ("name", "tag", "source", "explains"),
    [
        ("team/**", "", "team/a/b:[v1]", (PatternSyntax.GLOB,)),
        ("team/.*", "", "team/a/b:[v1]", (PatternSyntax.REGEX,)),
        ("team/web", "", "team/web:[v1]", BOTH),
        ("team/web", "v1.*", "team/web:[v1.2]", BOTH),
        ("team/web", "v1.*", "team/web:[v12]", (PatternSyntax.REGEX,)),
        ("", "", "team/web:[v1]", BOTH),
        ("other", "", "team/web:[v1]", ()),
        ("team/(web|api)", "", "team/web:[v1]", (PatternSyntax.REGEX,)),
        ("team/[^x]eb", "", "team/web:[v1]", BOTH),
        ("team/?eb", "", "team/web:[v1]", (PatternSyntax.GLOB,)),
        ("team/[", "", "team/web:[v1]", ()),
    ],
)
def test_what_was_taken_tells_how_patterns_are_read(
    name: str, tag: str, source: str, explains: tuple[PatternSyntax, ...]
) -> None:
    filters = [{"Type": "name", "Value": name}, {"Type": "tag", "Value": tag}]

    found = review_execution(filters, [ExecutionTask("1", ExecutionState.SUCCEEDED, source=source)])

    assert found.explains == explains
    assert bool(found.beyond) is (PatternSyntax.GLOB not in explains)


def test_what_was_wanted_and_not_taken_tells_too() -> None:
    filters = [{"Type": "name", "Value": "team/w.b"}]
    tasks = [ExecutionTask("1", ExecutionState.SUCCEEDED, source="team/w.b:[v1]")]

    assert review_execution(filters, tasks).explains == BOTH
    found = review_execution(filters, tasks, wanted=["team/web:v1", "team/w.b:v1"])

    assert found.missing == ("team/web:v1",)
    assert found.explains == (PatternSyntax.GLOB,)
