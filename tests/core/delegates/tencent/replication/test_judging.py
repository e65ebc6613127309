"""What tasks name, and by which reading of the patterns it was right to take them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from transship.delegates.executions import State, Task
from transship.delegates.tencent.judging import Syntax, images_of, judged

BOTH = (Syntax.GLOB, Syntax.REGEX)


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
    assert list(images_of(resource)) == images


@pytest.mark.parametrize(
    ("name", "tag", "source", "explains"),
    [
        ("team/**", "", "team/a/b:[v1]", (Syntax.GLOB,)),
        ("team/.*", "", "team/a/b:[v1]", (Syntax.REGEX,)),
        ("team/web", "", "team/web:[v1]", BOTH),
        ("team/web", "v1.*", "team/web:[v1.2]", BOTH),
        ("team/web", "v1.*", "team/web:[v12]", (Syntax.REGEX,)),
        ("", "", "team/web:[v1]", BOTH),
        ("other", "", "team/web:[v1]", ()),
        ("team/(web|api)", "", "team/web:[v1]", (Syntax.REGEX,)),
        ("team/[^x]eb", "", "team/web:[v1]", BOTH),
        ("team/?eb", "", "team/web:[v1]", (Syntax.GLOB,)),
        ("team/[", "", "team/web:[v1]", ()),
    ],
)
def test_what_was_taken_tells_how_patterns_are_read(
    name: str, tag: str, source: str, explains: tuple[Syntax, ...]
) -> None:
    filters = [{"Type": "name", "Value": name}, {"Type": "tag", "Value": tag}]

    found = judged(filters, [Task("1", State.SUCCEEDED, source=source)])

    assert found.explains == explains
    assert bool(found.beyond) is (Syntax.GLOB not in explains)


def test_what_was_wanted_and_not_taken_tells_too() -> None:
    filters = [{"Type": "name", "Value": "team/w.b"}]
    tasks = [Task("1", State.SUCCEEDED, source="team/w.b:[v1]")]

    assert judged(filters, tasks).explains == BOTH
    found = judged(filters, tasks, wanted=["team/web:v1", "team/w.b:v1"])

    assert found.missing == ("team/web:v1",)
    assert found.explains == (Syntax.GLOB,)
