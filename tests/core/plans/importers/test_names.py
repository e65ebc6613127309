"""Names, expressions, ranges and times of other tools, in the words of a plan."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadReference
from transship.plans.importers.draft import (
    cron_schedule,
    go_duration,
    has_alternatives,
    image_of,
    names_prerelease,
    part_pattern,
    place_of,
    registry_of,
    source_name,
    version_range,
    whole_pattern,
)
from transship.plans.patterns import parse_pattern
from transship.plans.plan import Schedule

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("bitnami/redis:7", "docker.io/bitnami/redis:7"),
        ("registry.hub.docker.com/grafana/loki", "docker.io/grafana/loki"),
        ("index.docker.io/nginx", "docker.io/library/nginx"),
        ("localhost/app", "localhost/app"),
        ("registry:5000/app:1", "registry:5000/app:1"),
        (f"old.example/a/b@{DIGEST}", f"old.example/a/b@{DIGEST}"),
    ],
)
def test_an_image_is_where_docker_looks_for_it(text: str, is_: str) -> None:
    assert str(image_of(text)) == is_


@pytest.mark.parametrize("text", ["", "old.example/", "Old/Upper", "old.example/a:b:c", "a b"])
def test_what_is_no_image_is_refused(text: str) -> None:
    with pytest.raises(BadReference):
        image_of(text)


def test_a_place_is_a_host_with_or_without_a_path() -> None:
    assert str(place_of("new.example:5000/a/b/")) == "new.example:5000/a/b"
    assert str(place_of("registry-1.docker.io/team")) == "docker.io/team"
    assert registry_of("https://new.example/") == "new.example"
    with pytest.raises(BadReference):
        place_of("new.example/A:1")


def chosen(pattern: str | None, *names: str) -> list[str]:
    assert pattern
    return [name for name in names if parse_pattern(pattern).matches(name)]


@pytest.mark.parametrize(
    ("expression", "whole", "part"),
    [
        ("v1", ["v1"], ["v1", "v1.2", "rv1"]),
        ("^v1", ["v1"], ["v1", "v1.2"]),
        ("v1$", ["v1"], ["v1", "rv1"]),
        ("^v1$", ["v1"], ["v1"]),
        (r"v1\.\d", ["v1.2"], ["v1.2"]),
        ("(?i)V1", ["v1"], ["v1", "v1.2", "rv1"]),
        ("rc|dev", ["rc"], ["rc", "rc1"]),
        ("^rc|dev$", ["rc"], ["rc", "rc1"]),
    ],
)
def test_an_expression_selects_what_it_did(
    expression: str, whole: list[str], part: list[str]
) -> None:
    names = ["v1", "v1.2", "rv1", "rc", "rc1"]
    assert chosen(whole_pattern(expression), *names) == whole
    assert chosen(part_pattern(expression), *names) == part


parts = st.sampled_from(["a", "b", ".", "a*", "[ab]", "(a|b)", "a|b", "^", "$", r"\.", "b?"])


@given(st.lists(parts, min_size=1, max_size=5).map("".join), st.text("ab.", max_size=5))
def test_any_expression_selects_what_a_search_finds(expression: str, name: str) -> None:
    pattern = part_pattern(expression)
    if pattern and not re.search(r"\^.|.\$", expression[1:-1]):
        found = re.search(expression, name) is not None
        assert bool(parse_pattern(pattern).matches(name)) is found


@pytest.mark.parametrize(
    "expression", ["(", r"\pL+", "[[:digit:]]", r"\Qa.b\E", r"a\z", "(?U)a+", "(?<n>a)", ""]
)
def test_what_python_reads_otherwise_is_no_pattern(expression: str) -> None:
    assert whole_pattern(expression) is None


def test_alternatives_count_outside_of_groups_only() -> None:
    assert has_alternatives("a|b")
    assert has_alternatives("(a|b)|c")
    assert not has_alternatives(r"(a|b)[|]\|")


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        (">=1.31.0 <1.31.9", ">=1.31.0 <1.31.9"),
        ("=> 1.2, =< 2", ">= 1.2, <= 2"),
        ("==1.2.3", "=1.2.3"),
        ("^1.2 || ~2.3", "^1.2 || ~2.3"),
        ("1.2 - 1.4", "1.2 - 1.4"),
        ("!=1.2.3", None),
        ("", None),
        ("latest", None),
    ],
)
def test_a_range_is_one_that_a_plan_takes(text: str, is_: str | None) -> None:
    assert version_range(text) == is_


def test_a_range_may_ask_for_prereleases() -> None:
    assert names_prerelease(">=1.2.0-0 <2")
    assert not names_prerelease("1.2 - 1.4")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60m", 3600), ("1h30m", 5400), ("1.5s", 1.5), ("500ms", 0.5), ("0s", None), ("1d", None)],
)
def test_a_go_duration(text: str, seconds: float | None) -> None:
    assert go_duration(text) == seconds


@pytest.mark.parametrize(
    ("line", "schedule"),
    [
        ("15 1 * * *", Schedule(cron="15 1 * * *")),
        ("@every 1h30m", Schedule(every=5400)),
        ("@daily", Schedule(cron="0 0 * * *")),
        ("@every soon", None),
        ("@every 100ms", None),
        ("@reboot", None),
        ("0 15 1 * * *", None),
        ("CRON_TZ=UTC 15 1 * * *", None),
    ],
)
def test_a_cron_line_of_go(line: str, schedule: Schedule | None) -> None:
    assert cron_schedule(line) == schedule


@pytest.mark.parametrize(
    ("text", "tags", "expression"),
    [
        ("old.example/t/web", (), ""),
        ("old.example/t/web:v1", ("v1",), ""),
        ("old.example:5000/t/web:v1, v2,v1", ("v1", "v2"), ""),
        ("old.example/t/web:/^v[0-9,]+/x$/", (), "^v[0-9,]+/x$"),
    ],
)
def test_the_end_of_a_source(text: str, tags: tuple[str, ...], expression: str) -> None:
    source = source_name(text)
    assert (source.repository, source.tags, source.expression) == ("t/web", tags, expression)


@pytest.mark.parametrize("text", [f"old.example/t/web@{DIGEST},v1", "old.example/t/web:v1,a b"])
def test_only_tags_stand_between_commas(text: str) -> None:
    with pytest.raises(BadReference, match="between its commas"):
        source_name(text)
