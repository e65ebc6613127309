"""Reports as people and scripts read them: complete, quick, and safe from hostile names."""

from __future__ import annotations

import json
import re
import tracemalloc
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from fakes.reports import line, proof, told
from transship.reports.job_formats import DIGESTS_SHOWN, document, markdown_report, page
from transship.reports.markdown import code, escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transship.reports.job import Report

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "`code` ``more`` |a|b|",
    "\x1b[2J\u202eevil\n# a heading",
    "@everyone see https://evil.example [here](javascript:alert(1)) &lt;b&gt;",
    "]]> --> </style></title>",
]
MARKDOWN = MarkdownIt("gfm-like")


class Page(HTMLParser):
    """What a browser makes of a page: its tags, its attributes, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str | None]] = set()
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(attrs)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(text: str) -> Report:
    return told(
        [
            line(1, "failed", target=text, title=text, detail=text, remedy=text, reason=text),
            line(2),
        ],
        plan=text,
        source=text,
        target=text,
        kept=proof(("v1", text)),
        problem=(text, text, text),
    )


def written(write: Callable[[Report], Iterator[str]], report: Report) -> str:
    return "".join(write(report))


class TestThePage:
    def test_needs_nothing_from_elsewhere(self) -> None:
        text = written(page, told([line(1)], kept=proof()))

        assert "http" not in text.replace("http-equiv", "")
        assert not {"script", "link", "img", "iframe"} & set(Page(text).tags)
        assert "@import" not in text
        assert "url(" not in text
        assert "default-src 'none'" in text
        assert "@media print" in text

    @pytest.mark.parametrize("text", HOSTILE)
    def test_is_not_moved_by_a_hostile_name(self, text: str) -> None:
        calm = Page(written(page, hostile("calm")))
        found = Page(written(page, hostile(text)))

        assert [tag for tag in found.tags if tag != "code"] == [
            tag for tag in calm.tags if tag != "code"
        ]
        assert found.attributes == calm.attributes
        assert found.open == []

    def test_says_first_what_came_of_it(self) -> None:
        found = Page(written(page, told([line(1), line(2, "failed")])))
        assert re.search(r"Not complete\s+1 of 2 images failed\.", found.text)

    def test_has_every_failure_and_the_first_of_many_digests(self) -> None:
        many = [line(n) for n in range(DIGESTS_SHOWN + 500)]
        failed = [line(n, "failed") for n in range(10_000, 11_200)]

        text = written(page, told([*many, *failed]))

        assert all(text.count(each.detail) == 1 for each in failed)
        assert many[DIGESTS_SHOWN - 1].digest in text
        assert many[DIGESTS_SHOWN].digest not in text
        assert "All 2,700 are in the JSON" in text
        assert "transship report k4x9mt --format json" in text

    def test_names_what_a_verification_found(self) -> None:
        text = written(page, told([line(1)], kept=proof(("v7", "the target has another"))))
        assert "new.example/mirror/team/web:v7" in text
        assert "the target has another" in text


class TestMarkdown:
    def test_has_all_copies_with_their_digests(self) -> None:
        lines = [line(n) for n in range(2000)]
        text = written(markdown_report, told(lines))
        for each in lines:
            assert f"| `{each.target}` | `{each.digest}` | copied |" in text

    @pytest.mark.parametrize("text", HOSTILE)
    def test_is_not_moved_by_a_hostile_name(self, text: str) -> None:
        calm = MARKDOWN.parse(written(markdown_report, hostile("calm")))
        found = MARKDOWN.parse(written(markdown_report, hostile(text)))

        assert [token.type for token in found] == [token.type for token in calm]
        inner = [child for token in found for child in token.children or ()]
        assert {child.type for child in inner} <= {"text", "code_inline", "text_special"}
        assert not any("@everyone" in child.content for child in inner if child.type == "text")

    def test_quotes_what_has_quotes_in_it(self) -> None:
        assert code("a `b` c") == "``a `b` c``"
        assert code("`") == "`` ` ``"
        assert code("a|b", cell=True) == r"`a\|b`"
        assert escaped("a *b* <i> `transship jobs`") == r"a \*b\* \<i\> `transship jobs`"
        assert escaped("ask @anna") == "`ask @anna`"


class TestTheDocument:
    def test_has_keys_that_stay(self) -> None:
        found = json.loads(written(document, told([line(1), line(2, "failed")], kept=proof())))

        assert list(found) == [
            "report", "made", "made_by_version", "job", "kind", "state", "conclusion",
            "started_by", "version", "asked", "times", "counts", "results", "bytes", "problem",
            "failures", "creations", "verification", "trust", "undo", "copies",
        ]  # fmt: skip
        assert list(found["asked"]) == [
            "source", "target", "on_conflict", "referrers", "platforms", "plan",
        ]  # fmt: skip
        assert list(found["verification"]) == [
            "at", "by", "holds", "current", "deep", "compared", "manifests", "blobs",
            "bytes_read", "differences",
        ]  # fmt: skip
        assert list(found["failures"][0]) == ["cause", "title", "remedy", "count", "copies"]
        for copy in found["copies"]:
            assert list(copy) == ["source", "target", "digest", "previous", "result", "reason"]
        assert found["times"]["ended"] == "2026-09-21T14:15:00Z"

    def test_of_a_job_without_copies(self) -> None:
        assert json.loads(written(document, told([])))["copies"] == []

    @pytest.mark.parametrize("text", HOSTILE)
    def test_is_plain_ascii(self, text: str) -> None:
        written(document, hostile(text)).encode("ascii")


@pytest.mark.long
def test_a_hundred_thousand_copies_come_one_by_one() -> None:
    report = told([line(1)])
    many = 100_000
    source = line(7)

    def lines() -> Iterator[object]:
        return (source for _ in range(many))

    large = type(report)(
        **{name: getattr(report, name) for name in report.__slots__} | {"lines": lines}
    )
    for write in (document, markdown_report):
        tracemalloc.start()
        pieces = sum(1 for _ in write(large))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert pieces > many
        assert most < 1_000_000
