"""What a rule makes of tags, as rows: each tag once, where it goes, or why it doesn't."""

from __future__ import annotations

from pathlib import Path

import pytest

from transship.plans.catalogue import Catalogue, TagFacts
from transship.plans.file import plan_in
from transship_tui.naming import Naming
from transship_tui.screens.plan.rule_matches import Drawn, MatchRows, Shown, draw, unknown_tags

TAGS = {
    "team/web": ("latest", "v1", "v2", "v3-rc"),
    "team/api": ("v1",),
    "other/x": ("v1",),
}


def drawn(rule: str, facts: dict[tuple[str, str], TagFacts] | None = None) -> Drawn:
    text = f'version = 1\nkind = "sync"\n[[rules]]\nfrom = "old.example"\n{rule}\n'
    catalogue = Catalogue("old.example", TAGS, facts or {})
    return draw(plan_in(text, Path("x.toml")), {"old.example": catalogue}, 1_000_000.0)


def texts(rows: MatchRows) -> list[str]:
    return [" | ".join(cell.plain for cell in rows.cells(index)) for index in range(len(rows))]


FILTERED = """to = ["new.example/mirror", "backup.example"]
repositories = ["team/**"]
tags = { include = ["v*"], exclude = ["*-rc"] }"""


def test_what_is_matched_says_where_it_goes() -> None:
    rows = drawn(FILTERED).rows(0, Shown.MATCHED)
    assert texts(rows) == [
        "✓ team/web:v1 | → new.example/mirror/team/web:v1 and 1 more",
        "✓ team/web:v2 | → new.example/mirror/team/web:v2 and 1 more",
        "✓ team/api:v1 | → new.example/mirror/team/api:v1 and 1 more",
    ]
    assert rows.in_full(2, Naming()).plain == (
        "old.example/team/api:v1\nnew.example/mirror/team/api:v1, backup.example/team/api:v1"
    )


def test_what_is_dropped_says_why_and_ends_with_repositories_that_no_rule_takes() -> None:
    assert texts(drawn(FILTERED).rows(0, Shown.DROPPED)) == [
        "– team/web:latest | isn't v*",
        "– team/web:v3-rc | excluded by *-rc",
        "– other/x | isn't team/**",
    ]


def test_tags_that_must_be_looked_up_are_counted_until_they_are() -> None:
    rule = 'to = "new.example"\nrepositories = ["team/web"]\ntags = { newest = 1 }'
    first = drawn(rule)
    assert first.unknown == 4
    assert len(first.rows(0, Shown.NEEDED)) == 4
    facts = {
        ("team/web", tag): TagFacts(created=float(age), examined=True)
        for age, tag in enumerate(TAGS["team/web"])
    }
    later = drawn(rule, facts)
    assert later.unknown == 0
    assert not unknown_tags(later.outline, {"old.example": Catalogue("old.example", TAGS, facts)})
    assert texts(later.rows(0, Shown.MATCHED)) == ["✓ team/web:v3-rc | → team/web:v3-rc"]


def test_what_the_mapping_makes_impossible_says_so() -> None:
    result = drawn('to = "new.example"\nmap = "all/app"\nrepositories = ["team/*"]')
    impossible = texts(result.rows(0, Shown.IMPOSSIBLE))
    assert len(impossible) == 2
    assert all("would become new.example/all/app:v1 too" in text for text in impossible)
    assert result.impossible == 2
    signs = {text[0] for text in texts(result.rows(0, Shown.MATCHED)) if "would become" in text}
    assert signs == {"✗"}


@pytest.mark.parametrize("shown", Shown)
def test_every_row_is_found_again_by_its_key(shown: Shown) -> None:
    rows = drawn(FILTERED).rows(0, shown)
    tags = [index for index in range(len(rows)) if ":" in rows.key(index)]
    assert [rows.index_of(rows.key(index)) for index in tags] == tags
    assert rows.index_of("team/web:nothing") is None


def test_a_hundred_thousand_rows_cost_nothing_until_they_are_seen() -> None:
    tags = {f"team/app-{n}": tuple(f"v{tag}" for tag in range(100)) for n in range(1_000)}
    text = 'version = 1\nkind = "sync"\n[[rules]]\nfrom = "old.example"\nto = "new.example"\n'
    result = draw(
        plan_in(text, Path("x.toml")), {"old.example": Catalogue("old.example", tags)}, 0.0
    )
    rows = result.rows(0, Shown.MATCHED)
    assert len(rows) == 100_000
    assert rows.key(99_999) == "team/app-999:v99"
    assert rows.cells(50_050)[1].plain == "→ team/app-500:v50"
