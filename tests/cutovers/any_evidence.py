"""Evidence that nobody has seen yet: whatever fits its types."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from cutovers.clean import CLEAN, FLIPPED, case, moved, said
from transship.cutover.domain import Subject
from transship.cutover.evidence import Evidence
from transship.cutover.questions import QUESTIONS
from transship.cutover.rules.case import Case
from transship.cutover.timeline import Sample, Served
from transship.registry.attachment import AttachmentMessage

texts = st.one_of(
    st.sampled_from(
        [
            *("", ".", "images.example.com", "registry.newcloud.org.", "registry.newcloud.org"),
            *(
                "1.2.3.4",
                "5.6.7.8",
                "::1",
                "64:ff9b::1",
                "fe80::1%eth0",
                "no address",
                "[::1]:5000",
            ),
            *(
                '0 issue "ca.example"',
                "a b 17 1 1 1 300",
                "a b x 1 1 1 y",
                "x:y",
                "http://[",
                "\x1b[3m",
            ),
            *("NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "CNAME", "A", "AAAA", "SOA", "TXT"),
            *("timeout", "unreachable", "loop", "operator", "public", "old", "new", "example.com"),
            *("heritage=external-dns,external-dns/owner=x", "*.example.com", "no record", "system"),
            *("done", "wrong-credential: no", "Bearer realm=x", "none", "yes", "3600", "\ud800"),
        ]
    ),
    st.text(max_size=6),
)
_PLAIN: dict[object, st.SearchStrategy[Any]] = {
    str: texts,
    int: st.integers(-2, 700) | st.integers(-(2**40), 2**40),
    float: st.floats(1.7e9, 1.9e9) | st.floats(),
    bool: st.booleans(),
    type(None): st.none(),
    AttachmentMessage: st.builds(
        AttachmentMessage,
        texts,
        st.sampled_from(["block", "warn", "info", "grave"]),
        *[texts.map("It is {}.".format)] * 3,
    ),
}


@cache
def anything(kind: object) -> st.SearchStrategy[Any]:
    """Return a strategy for a type of which evidence is made."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    parts = get_args(kind)
    if get_origin(kind) is tuple:
        if parts[-1] is Ellipsis:
            return st.lists(anything(parts[0]), max_size=2).map(tuple)
        return st.tuples(*map(anything, parts))
    if isinstance(kind, UnionType):
        return st.one_of(*map(anything, parts))
    assert isinstance(kind, type)
    if issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    assert is_dataclass(kind)
    hints = get_type_hints(kind)
    return st.builds(kind, **{each.name: anything(hints[each.name]) for each in fields(kind)})


_asked = st.builds(said, st.sampled_from([q.id for q in QUESTIONS]), texts)


@st.composite
def any_case(draw: st.DrawFn) -> Case:
    """A case of which nothing can be relied on."""
    evidence = draw(anything(Evidence))
    return Case(
        draw(anything(Subject)),
        replace(evidence, statements=tuple(draw(st.lists(_asked, max_size=3)))),
        draw(st.floats()),
        draw(st.lists(anything(Served), max_size=3).map(tuple)),
        draw(st.lists(anything(Sample), max_size=3).map(tuple)),
    )


@st.composite
def spoilt_case(draw: st.DrawFn) -> Case:
    """The clean case, before the change or after it, with one part of its evidence spoilt."""
    whole = draw(st.sampled_from([CLEAN, case(**FLIPPED, samples=moved("office", "Quad9"))]))
    hints = get_type_hints(Evidence)
    part = draw(st.sampled_from([each.name for each in fields(Evidence)]))
    return replace(whole, evidence=replace(whole.evidence, **{part: draw(anything(hints[part]))}))
