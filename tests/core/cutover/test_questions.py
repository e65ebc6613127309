"""What is asked, the commands to copy, and how pasted output is read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutovers.any_evidence import texts
from cutovers.clean import CLEAN, NAME, NOW, SUBJECT, case, chain, said
from transship.cutover.domain import Domain
from transship.cutover.questions import (
    QUESTIONS,
    command_for,
    newest_statement,
    parsed_answer,
    question_by_id,
)

EVIDENCE = CLEAN.evidence


@pytest.mark.parametrize(
    ("name", "pasted", "good", "words"),
    [
        ("ttl-before", "3600", True, "3600 s"),
        ("ttl-before", " 600 s ", True, "600 s"),
        ("ttl-before", "an hour", None, "no number"),
        ("node-trust", "    Verify return code: 0 (ok)\n", True, "verified"),
        ("node-trust", "Verification: OK\nVerify return code: 0 (ok)", True, "verified"),
        (
            "node-trust",
            "verify error:num=20:unable to get\nVerification error: unable to verify the first\n"
            "Verify return code: 21 (unable to verify the first certificate)",
            False,
            "unable to verify",
        ),
        ("node-trust", "bash: openssl: command not found", None, "no verdict"),
        ("node-overrides", "done", True, "nothing"),
        ("node-overrides", "/etc/hosts:7:# 10.0.0.1 images.example.com\ndone\n", True, "nothing"),
        (
            "node-overrides",
            "/etc/hosts:7:10.0.0.1 images.example.com\ndone",
            False,
            "1 line, first",
        ),
        ("node-overrides", "/etc/hosts:7:10.0.0.1 images.exa", None, "doesn't end"),
        ("private-zones", "none", True, "No private zone"),
        ("private-zones", "unsure", False, "Nobody knows"),
        (
            "private-zones",
            "1.2.3.4  STREAM images.example.com\n1.2.3.4 DGRAM",
            True,
            "as from here",
        ),
        ("private-zones", "10.0.3.7 STREAM images.example.com", False, "10.0.3.7"),
        ("private-zones", "", None, ""),
        ("private-zones", "no such host", None, "no address"),
        ("old-traffic", "done", True, "nobody pulls"),
        (
            "old-traffic",
            '10.0.0.7 - "GET /v2/a/blobs/x"\n10.0.0.8 - "GET /v2/"\n10.0.0.7 - "GET"\ndone',
            False,
            "3 requests: 10.0.0.7 (2), 10.0.0.8 (1)",
        ),
        ("old-traffic", "cut off in the mid", None, "doesn't end"),
        ("node-egress", "reached: a.example:443\ndone", True, "reaches 1 other host"),
        ("node-egress", "done", True, "0 other hosts"),
        (
            "node-egress",
            "reached: a.example:443\nnot reached: b.example:443\ndone\n",
            False,
            "not reached: b.example:443",
        ),
        ("node-egress", "reached: a.example:443", None, "doesn't end"),
        ("automation", "at-source", True, "there"),
        ("old-kept", "2027-03-01", True, "2027-03-01"),
    ],
)
def test_answers_are_read(name: str, pasted: str, good: bool | None, words: str) -> None:
    found = parsed_answer(replace(EVIDENCE, statements=(said(name, pasted),)), name)

    if not pasted:
        assert found is None
        return
    assert found is not None
    assert found.good is good
    assert words in found.seen


def test_the_newest_answer_counts() -> None:
    told = (said("automation", "none", NOW + 9), said("automation", "unsure", NOW))
    newest = newest_statement(replace(EVIDENCE, statements=told), "automation")

    assert newest is not None
    assert newest.answer == "none"


def test_commands_name_the_domain_and_an_address_of_the_target() -> None:
    trust = command_for(question_by_id("node-trust"), SUBJECT, EVIDENCE)

    assert trust.startswith("openssl s_client -connect 5.6.7.8:443 -servername images.example.com")
    six = case(target=chain("registry.newcloud.org", to=("2606:4700::1",)))
    assert "'[2606:4700::1]':443" in command_for(
        question_by_id("node-trust"), SUBJECT, six.evidence
    )
    sent = replace(EVIDENCE.pulls[0], hosts=(f"{NAME}:443", "blobs.example:443", "b;x:1"))
    egress = command_for(question_by_id("node-egress"), SUBJECT, replace(EVIDENCE, pulls=(sent,)))
    assert egress.startswith("for place in 'b;x:1' blobs.example:443; do")
    other = replace(SUBJECT, domain=Domain(NAME, 5000))
    assert f"certs.d/{NAME}:5000/hosts.toml" in command_for(
        question_by_id("node-overrides"), other, EVIDENCE
    )


def test_no_command_can_be_steered_by_what_it_is_about() -> None:
    evil = replace(SUBJECT, domain=Domain("a; rm -rf ~"))

    for each in QUESTIONS:
        assert "; rm -rf" not in command_for(each, evil, EVIDENCE).replace("'a; rm -rf ~'", "")


def test_no_command_prints_what_is_in_a_secret() -> None:
    line = command_for(question_by_id("node-secrets"), SUBJECT, EVIDENCE)

    assert ".auths | keys" in line
    assert ".auth," not in line


def test_every_question_can_be_settled() -> None:
    for each in QUESTIONS:
        assert each.text.endswith("?")
        assert each.why
        assert bool(each.command) == bool(each.where)
        assert not each.choices or any(choice.good for choice in each.choices)
        assert "{" not in command_for(each, SUBJECT, EVIDENCE) or "jq" in each.command


@given(st.sampled_from([q.id for q in QUESTIONS]), st.text() | texts)
def test_whatever_is_pasted_is_read_without_an_error(name: str, pasted: str) -> None:
    found = parsed_answer(replace(EVIDENCE, statements=(said(name, pasted),)), name)

    assert found is None or "\x1b" not in found.seen
