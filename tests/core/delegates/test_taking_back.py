"""Before something is taken back, what that costs is said: not what making it did cost."""

from __future__ import annotations

import pytest

from transship.delegates.changes import Change, Does, change_to
from transship.delegates.taking_back import losses
from transship.delegates.tencent.domain_words import OUTAGE

LEAD = {"Certificate": "old"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (change_to("replication policy", "nightly", None, {"x": 1}), "may be forgotten"),
        (change_to("sync rule", "nightly", None, {"x": 1}), "may be forgotten"),
        (change_to("replication instance", "ap-shanghai", None, {"x": 1}), "in ap-shanghai from"),
        (change_to("namespace", "shop", None, {"IsPublic": False}), "holds images"),
        (change_to("repository", "shop/web", None, {"Description": ""}), "holds images"),
        (change_to("public endpoint", "a.example", {"Open": False}, {"Open": True}), "linked VPC"),
        (change_to("public endpoint", "a.example", {"Open": True}, {"Open": False}), "is allowed"),
        (change_to("allowed address", "192.0.2.7/32", None, {"x": 1}), "comes from 192.0.2.7/32"),
        (change_to("allowed address", "0.0.0.0/0", {"x": 1}, None), "allows everyone"),
        (change_to("VPC link", "vpc-1/subnet-1", None, {"x": 1}), "runs in vpc-1"),
        (change_to("private DNS record", "a.example@vpc-1", None, {"x": 1}), "In vpc-1 a.example"),
        (change_to("certificate", "transship-1", None, {"x": 1}), "uses it"),
        (change_to("custom domain", "images.example.com", None, LEAD), "Move the name in DNS"),
        (change_to("custom domain", "images.example.com", LEAD, {"Certificate": "new"}), OUTAGE),
    ],
)
def test_what_is_lost_is_said(change: Change, says: str) -> None:
    assert says in " ".join(losses(change))


@pytest.mark.parametrize(
    "change",
    [
        change_to("registry endpoint", "new", None, {"url": "https://new.example"}),
        change_to("custom domain", "images.example.com", LEAD, None),
        Change(Does.CREATE, "something of a newer version", "x", None, {}),
    ],
)
def test_what_costs_nothing_says_nothing(change: Change) -> None:
    assert losses(change) == ()
