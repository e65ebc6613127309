"""Before something is taken back, what that costs is said: not what making it did cost."""

from __future__ import annotations

import pytest

from transship.engines.changes import Change, ChangeAction, change_between
from transship.engines.delegation import revert_warnings
from transship.engines.tcr.domains import OUTAGE

LEAD = {"Certificate": "old"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (change_between("replication policy", "nightly", None, {"x": 1}), "may be forgotten"),
        (change_between("sync rule", "nightly", None, {"x": 1}), "may be forgotten"),
        (
            change_between("replication instance", "ap-shanghai", None, {"x": 1}),
            "in ap-shanghai from",
        ),
        (change_between("namespace", "shop", None, {"IsPublic": False}), "holds images"),
        (change_between("repository", "shop/web", None, {"Description": ""}), "holds images"),
        (
            change_between("public endpoint", "a.example", {"Open": False}, {"Open": True}),
            "linked VPC",
        ),
        (
            change_between("public endpoint", "a.example", {"Open": True}, {"Open": False}),
            "is allowed",
        ),
        (
            change_between("allowed address", "192.0.2.7/32", None, {"x": 1}),
            "comes from 192.0.2.7/32",
        ),
        (change_between("allowed address", "0.0.0.0/0", {"x": 1}, None), "allows everyone"),
        (change_between("VPC link", "vpc-1/subnet-1", None, {"x": 1}), "runs in vpc-1"),
        (
            change_between("private DNS record", "a.example@vpc-1", None, {"x": 1}),
            "In vpc-1 a.example",
        ),
        (change_between("certificate", "transship-1", None, {"x": 1}), "uses it"),
        (change_between("custom domain", "images.example.com", None, LEAD), "Move the name in DNS"),
        (
            change_between("custom domain", "images.example.com", LEAD, {"Certificate": "new"}),
            OUTAGE,
        ),
    ],
)
def test_what_is_lost_is_said(change: Change, says: str) -> None:
    assert says in " ".join(revert_warnings(change))


@pytest.mark.parametrize(
    "change",
    [
        change_between("registry endpoint", "new", None, {"url": "https://new.example"}),
        change_between("custom domain", "images.example.com", LEAD, None),
        Change(ChangeAction.CREATE, "something of a newer version", "x", None, {}),
    ],
)
def test_what_costs_nothing_says_nothing(change: Change) -> None:
    assert revert_warnings(change) == ()
