"""The report for the change ticket, in each of its forms."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cutovers import clean
from fakes.cutovers_world import NOW, changed, ready, standing, with_trouble
from transship.cutover.finding import CheckResult
from transship.cutover.status import CutoverEvent, CutoverStatus
from transship.errors import BadRequest
from transship.reports.cutover import (
    CutoverReportForm,
    cutover_report_form,
    cutover_report_text,
    write_cutover_report,
)

if TYPE_CHECKING:
    from pathlib import Path

EVIL = (
    "`|</td><script>alert(1)</script> [x](javascript:y) @everyone ``` "
    "\x1b]52;c;aGk=\x07 \u202e\n# x"
)


def spoken(of: CutoverStatus, words: str) -> CutoverStatus:
    """Return a standing in which strangers' words stand wherever they can."""

    def said(result: CheckResult) -> CheckResult:
        findings = tuple(
            replace(f, seen=words, means=words, remedy=words, record=words) for f in result.findings
        )
        return replace(result, findings=findings, seen=words)

    history = tuple(replace(each, values=(words,)) for each in of.history)
    assert of.progress is not None
    servers = tuple(replace(each, values=(words,)) for each in of.progress.servers)
    return replace(
        of,
        checks=tuple(map(said, of.checks)),
        history=history,
        progress=replace(of.progress, servers=servers),
        notes=(CutoverEvent(NOW, words, words),),
    )


def test_the_ticket_says_what_was_seen_and_what_is_to_be_done() -> None:
    text = cutover_report_text(with_trouble(), CutoverReportForm.MD, NOW)
    assert text.startswith("# Not changed: `images.example.com`\n")
    assert "- images.example.com. 60 IN CNAME registry.oldcloud.net." in text
    assert "+ images.example.com. 60 IN CNAME registry.newcloud.org." in text
    assert "### P-13 A certificate for the name: blocks" in text
    assert "To do: Attach a certificate" in text
    assert "`begun`" in text
    assert "2026-09-21 14:13:20 UTC" in text


def test_the_document_has_keys_that_stay() -> None:
    found = json.loads(cutover_report_text(with_trouble(), CutoverReportForm.JSON, NOW))
    assert found["cutover"] == 1
    assert found["state"] == "before"
    assert found["change"]["clear"] is False
    assert {each.partition("/")[0] for each in found["blocks"]} == {"P-07", "P-13", "P-27"}
    assert found["clocks"]["earliest_change"] == "2026-09-21T14:25:30Z"
    (row,) = (each for each in found["checks"] if each["check"] == "P-13")
    assert row["state"] == "blocks"
    assert row["findings"][0]["severity"] == "block"
    assert (
        json.loads(cutover_report_text(ready(), CutoverReportForm.JSON, NOW))["change"]["clear"]
        is True
    )


def test_after_the_change_the_clocks_are_in_it() -> None:
    found = json.loads(cutover_report_text(changed(), CutoverReportForm.JSON, NOW))
    assert found["state"] == "changed"
    assert found["clocks"]["changed"] is not None
    assert found["way_back"]["add"] == ["images.example.com. 60 IN CNAME registry.oldcloud.net."]
    assert {each["says"] for each in found["servers"]} == {"new", "old", "other"}


def test_pulls_by_the_domain_are_in_it_with_who_answered() -> None:
    pulls = (
        clean.by_name(clean.NEW_AT, "this machine", "office"),
        clean.by_name(clean.OLD_AT, "cafe", error="timed-out: x"),
        clean.by_name("9.9.9.9", "abroad", fingerprint=""),
    )
    flipped = standing(clean.case(**clean.FLIPPED, by_name=pulls))
    found = json.loads(cutover_report_text(flipped, CutoverReportForm.JSON, NOW))["pulls"]

    assert [each["answered"] for each in found] == ["new", "old", None]
    assert found[0]["by"] == ["this machine", "office"]
    assert found[0]["image"] == "images.example.com/team/app:1.0"
    assert [each["error"] for each in found] == [None, "timed-out: x", None]
    assert (
        json.loads(cutover_report_text(with_trouble(), CutoverReportForm.JSON, NOW))["pulls"] == []
    )


@pytest.mark.parametrize("form", CutoverReportForm)
def test_what_strangers_say_is_only_read(form: CutoverReportForm) -> None:
    text = cutover_report_text(spoken(with_trouble(), EVIL), form, NOW)
    assert "\x1b" not in text
    assert "\u202e" not in text
    if form is CutoverReportForm.HTML:
        assert "<script" not in text
        assert "</td><script>" not in text
    if form is CutoverReportForm.MD:
        outside = text.split("\n```")[::2]
        assert len(text.split("\n```")) % 2, "every fence is closed"
        lines = [line for part in outside for line in part.splitlines()]
        assert not any(line.startswith("# x") for line in lines)


def test_a_file_that_is_there_is_not_written_over_unasked(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_cutover_report(ready(), path, cutover_report_form(path), NOW, replace=False)
    assert path.read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(BadRequest):
        write_cutover_report(ready(), path, CutoverReportForm.HTML, NOW, replace=False)
    write_cutover_report(changed(), path, CutoverReportForm.HTML, NOW, replace=True)
    assert "Changed, caches to follow" in path.read_text()


def test_the_name_of_a_file_says_its_form(tmp_path: Path) -> None:
    assert cutover_report_form(tmp_path / "x.HTML") is CutoverReportForm.HTML
    assert cutover_report_form(tmp_path / "x.json") is CutoverReportForm.JSON
    assert cutover_report_form(tmp_path / "x") is CutoverReportForm.MD
    with pytest.raises(BadRequest, match=r"written as \.txt"):
        cutover_report_form(tmp_path / "x.txt")


def test_clocks_that_havent_begun_have_no_time() -> None:
    before = json.loads(cutover_report_text(ready(), CutoverReportForm.JSON, NOW))["clocks"]
    after = json.loads(cutover_report_text(changed(), CutoverReportForm.JSON, NOW))["clocks"]

    assert before["ttl_ready"] is True
    assert before["earliest_change"] is None or not before["earliest_change"].startswith("1970")
    assert (before["changed"], before["by_the_rules"], before["as_seen"]) == (None, None, None)
    assert None not in (after["changed"], after["by_the_rules"])
