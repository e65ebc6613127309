"""Bodies that mean ill: whatever they hold, what comes out of them can be used safely."""

from __future__ import annotations

import contextlib
import json

from hypothesis import example, given
from hypothesis import strategies as st

from transship.oci.digest import is_digest
from transship.oci.reference import is_repository, is_tag, parse_reference
from transship.text import safe
from transship.watch.webhooks import EventAction, NotUnderstood, RegistryEvent, events_in

WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["push", "delete", "PUSH_ARTIFACT", "pushImage", "harbor.artifact.pushed", "team/web"]
    ),
    st.sampled_from(["v1", "sha256:" + "a" * 64, "old.example:5000/team/web:v1", "\x1b]0;x\x07"]),
)
KEYS = st.sampled_from(
    [
        *("events", "action", "target", "repository", "tag", "digest", "request", "host", "type"),
        *("event_data", "resources", "resource_url", "repo_full_name", "specversion", "data"),
        *("push_data", "repo_name"),
    ]
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=30,
)


def check(events: tuple[RegistryEvent, ...]) -> None:
    for event in events:
        assert is_repository(event.repository)
        assert event.tag == "" or is_tag(event.tag)
        assert event.tag or event.action is EventAction.DELETE
        assert event.digest is None or is_digest(event.digest)
        assert event.host == "" or parse_reference(event.host).registry == event.host
        shown = f"{event.host}/{event.repository}:{event.tag}"
        assert safe(shown) == shown


@given(ANYTHING)
def test_any_json(document: object) -> None:
    with contextlib.suppress(NotUnderstood):
        check(events_in(json.dumps(document).encode()))


@given(st.binary(max_size=200))
@example(b'{"events": [{"action": "push", "target": {"repository": "a", "tag": "b"}}]}')
@example(b'{"events": [' + b'{"target": {}},' * 3 + b"]}")
@example(b'"' + b"\\" * 1000)
@example(b"]" * 1000)
def test_any_bytes(body: bytes) -> None:
    with contextlib.suppress(NotUnderstood):
        check(events_in(body))


@given(
    action=WORDS, repository=WORDS, tag=WORDS, digest=WORDS, host=WORDS,
)  # fmt: skip
def test_any_words_in_an_envelope(
    action: str, repository: str, tag: str, digest: str, host: str
) -> None:
    target = {"repository": repository, "tag": tag, "digest": digest}
    event = {"action": action, "target": target, "request": {"host": host}}
    check(events_in(json.dumps({"events": [event]}).encode()))
