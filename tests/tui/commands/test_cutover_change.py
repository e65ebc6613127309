"""`transship cutover apply|rollback DOMAIN`, with registries and name servers that are there.

Both registries serve the domain at the port of https; the record is changed by dynamic update.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from cutovers.between import checked
from cutovers.sides import NAME, TwoSides, two_sides
from moving.jobs import access_to
from servers.dns.asked import asked, values
from servers.dns.knot import KEY_ALGORITHM, KEY_NAME, KEY_SECRET
from servers.dns.lab import EXAMPLE
from servers.dns.zones import IMAGES, NEW, OLD, TTL
from servers.images import make_layer, push_image
from servers.process import comes_true
from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources
from transship.app.application import Application
from transship.cutover.change.execution import ReadBackPolicy
from transship.cutover.change.records import desired_records
from transship.cutover.change.settings import Rfc2136Settings
from transship.cutover.domain import Domain, Resolver, Subject
from transship.errors import (
    BadRequest,
    ChangeBlocked,
    LossUnknown,
    NothingToPutBack,
    RecordChanged,
)
from transship.paths import Paths
from transship.views.cutover import waits_for
from transship_tui.commands.cutover import LossDecision, apply_change, next_step, roll_back

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from servers.dns.lab import DnsLab
    from transship.oci.reference import Reference
    from transship.registry.access import Access

APP = "team/app"
OTHER = "other.oldcloud.test."
ANSWERS = {
    "ttl-before": str(TTL),
    "automation": "no",
    "pushes": "frozen",
    "old-kept": "2027-01-01",
    "push-path": "no",
    "node-overrides": "no",
    "consumers": "no",
}
ACCEPT_LOSS = LossDecision(accepted=True)


class SidesEngine(Application):
    """An engine that trusts the authority of both registries, and asks the lab's resolver only."""

    sides: TwoSides

    def __init__(self, paths: Paths, sources: Sources) -> None:
        super().__init__(paths, sources)
        usual = self.connections.access

        async def access(reference: Reference) -> Access:
            for each in (self.sides.old, self.sides.new):
                if each.host == reference.registry:
                    return access_to(each)
            return await usual(reference)

        self.connections.access = access  # type: ignore[method-assign]


@pytest.fixture
async def sides(lab: DnsLab, tmp_path: Path) -> AsyncIterator[TwoSides]:
    with two_sides(lab, tmp_path / "sides") as sides:
        await sides.fill(APP)
        yield sides


@pytest.fixture
def subject(lab: DnsLab, sides: TwoSides) -> Subject:
    lab.primary.remember(EXAMPLE, IMAGES)
    lab.remove(f"{NAME}.{EXAMPLE}")  # One of the lab's troubles.
    plain = lab.caches["plain"]
    return Subject(
        Domain(NAME),
        sides.new.host,
        sides.old.host,
        NEW.rstrip("."),
        (Resolver("plain", plain.address, plain.port),),
        (APP,),
        str(sides.ca_file),
        served=lab.served,
        public=False,
        system=False,
    )


@pytest.fixture
def way(lab: DnsLab) -> Rfc2136Settings:
    at = lab.primary.address
    return Rfc2136Settings(EXAMPLE.rstrip("."), at, KEY_NAME, lab.block.port, KEY_ALGORITHM)


@pytest.fixture
async def engine(
    sides: TwoSides, subject: Subject, way: Rfc2136Settings, tmp_path: Path
) -> AsyncIterator[SidesEngine]:
    """An engine with a cutover for which nothing stands in the way of the change."""
    store = SessionStore()
    sources = Sources(store, store, DockerConfig({}, home=tmp_path), {})
    engine = SidesEngine(Paths(tmp_path / "config", tmp_path / "state"), sources)
    engine.sides = sides
    await engine.cutovers.changes.keep_key(way, KEY_SECRET)
    name = engine.cutovers.add(subject, way)
    for question, answer in ANSWERS.items():
        engine.cutovers.answer(name, question, answer)
    standing = await checked(engine, name)
    assert not waits_for(standing), waits_for(standing)
    yield engine
    await engine.aclose()


def held(lab: DnsLab) -> set[tuple[str, ...]]:
    port = lab.block.port
    return {values(IMAGES, "CNAME", at, port) for at in (lab.primary.address, lab.secondary)}


def zone_serial(lab: DnsLab) -> tuple[str, ...]:
    return values(EXAMPLE, "SOA", lab.primary.address, lab.block.port)


async def apply(engine: SidesEngine) -> int:
    return await apply_change(engine, NAME, NAME)


async def broken_off(engine: SidesEngine, lab: DnsLab) -> None:
    """Begin to change the record, and be gone before every name server has it."""
    broken = asyncio.create_task(apply(engine))
    await comes_true(lambda: (NEW,) in held(lab))
    broken.cancel()
    await asyncio.gather(broken, return_exceptions=True)


async def test_a_second_apply_writes_nothing_and_the_way_back_stays(
    engine: SidesEngine, lab: DnsLab, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await apply(engine) == 0
    written = capsys.readouterr()
    assert "change done" in written.out
    lines = written.err.splitlines()
    begun = next(at for at, line in enumerate(lines) if "changing the record; waiting" in line)
    assert "looking once more before the change" in "".join(lines[:begun])
    assert f"says {NEW}" in "".join(lines[begun:]), "each change of what is said is told"
    serial = zone_serial(lab)

    assert await apply(engine) == 0

    assert f"{NAME} already points at {NEW}" in capsys.readouterr().out
    assert zone_serial(lab) == serial
    assert await roll_back(engine, NAME, NAME, ACCEPT_LOSS) == 0
    assert "putting the record back; waiting" in capsys.readouterr().err
    assert held(lab) == {(OLD,)}


async def test_a_change_that_was_broken_off_is_read_back_by_the_next_apply(
    engine: SidesEngine, lab: DnsLab, capsys: pytest.CaptureFixture[str]
) -> None:
    with lab.stuck_secondary():
        await broken_off(engine, lab)
    assert engine.cutovers.find(NAME).unended is not None
    serial = zone_serial(lab)

    assert await apply(engine) == 0

    written = capsys.readouterr()
    assert "broken off" in written.err
    assert "change done" in written.out
    assert zone_serial(lab) == serial
    assert await apply(engine) == 0
    assert await roll_back(engine, NAME, NAME, ACCEPT_LOSS) == 0
    assert held(lab) == {(OLD,)}


async def test_a_change_that_was_broken_off_is_read_back_before_it_is_put_back(
    engine: SidesEngine, lab: DnsLab, capsys: pytest.CaptureFixture[str]
) -> None:
    with lab.stuck_secondary():
        await broken_off(engine, lab)

    assert await roll_back(engine, NAME, NAME, ACCEPT_LOSS) == 0

    written = capsys.readouterr()
    assert "change done" in written.err
    assert "rollback done" in written.out
    assert held(lab) == {(OLD,)}


async def test_what_was_never_shown_is_not_overwritten(
    engine: SidesEngine, lab: DnsLab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.set(IMAGES, "CNAME", OTHER)

    with pytest.raises(RecordChanged) as refused:
        await apply(engine)

    assert refused.value.exit_status == 3
    assert OTHER in refused.value.detail
    assert OLD in refused.value.detail
    assert held(lab) == {(OTHER,)}
    assert f"- {NAME}. {TTL} IN CNAME {OLD}" in capsys.readouterr().err

    # Looked at again, it is shown as it is.
    with contextlib.suppress(ChangeBlocked):
        await apply(engine)
    assert f"- {NAME}. {TTL} IN CNAME {OTHER}" in capsys.readouterr().err


async def test_what_goes_back_is_what_was_shown(
    engine: SidesEngine, lab: DnsLab, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await apply(engine) == 0
    back = engine.cutovers.find(NAME).way_back
    assert back is not None
    assert back.reverse is not None
    another = replace(back.reverse, after=desired_records(NAME, [OTHER], TTL))
    with pytest.raises(RecordChanged, match=r"other\.oldcloud\.test"):
        await engine.cutovers.changes.roll_back(NAME, accept_loss=True, shown=another)
    assert held(lab) == {(NEW,)}

    assert await roll_back(engine, NAME, NAME, ACCEPT_LOSS) == 0
    assert f"+ {NAME}. {TTL} IN CNAME {OLD}" in capsys.readouterr().err


async def test_a_registry_that_is_gone_since_the_checks_keeps_the_record_from_being_changed(
    engine: SidesEngine, sides: TwoSides, lab: DnsLab
) -> None:
    sides.new.stop()

    with pytest.raises(ChangeBlocked, match=r"P-12: .*443") as blocked:
        await apply(engine)

    assert blocked.value.exit_status == 3
    assert "check stands in the way" in blocked.value.title
    assert held(lab) == {(OLD,)}
    sides.new.start()
    assert await apply(engine) == 0
    assert held(lab) == {(NEW,)}


async def test_a_tag_that_only_the_old_registry_has_keeps_the_record_from_being_changed(
    engine: SidesEngine, sides: TwoSides, lab: DnsLab
) -> None:
    push_image(sides.old, APP, "late", [make_layer(b"pushed after the checks")])

    with pytest.raises(ChangeBlocked, match=f"{APP}:late"):
        await apply(engine)

    assert held(lab) == {(OLD,)}


async def test_a_change_that_is_not_everywhere_ends_with_1_and_says_who_is_late(
    engine: SidesEngine, lab: DnsLab, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.cutovers.changes.patience = ReadBackPolicy(every=0.1, deadline=0.5)
    with lab.stuck_secondary():
        assert await apply(engine) == 1

        written = capsys.readouterr()
        assert "change partly" in written.out
        assert f"{lab.secondary}" in written.out
        assert f"says {OLD}" in written.out
        assert "some name servers don't have it yet" in written.err
        assert await apply(engine) == 1
        assert await roll_back(engine, NAME, NAME, ACCEPT_LOSS) == 0


async def test_the_new_record_never_has_a_higher_ttl_than_the_old_one(
    engine: SidesEngine, lab: DnsLab
) -> None:
    edit = engine.cutovers.find(NAME).edit
    assert edit is not None
    assert edit.forward.add == (f"{NAME}. {TTL} IN CNAME {NEW}",)

    await apply(engine)

    answer = asked(IMAGES, "CNAME", lab.primary.address, lab.block.port)
    assert answer is not None
    assert answer.answer[0].ttl == TTL


async def test_before_the_change_there_is_nothing_to_put_back(engine: SidesEngine) -> None:
    with pytest.raises(NothingToPutBack, match="nothing was changed yet") as nothing:
        await roll_back(engine, NAME, NAME, LossDecision())
    assert nothing.value.exit_status == 3
    assert "Copy it" not in nothing.value.remedy
    assert next_step(engine.cutovers.find(NAME)) == f"transship cutover apply {NAME}"


async def test_a_zone_that_the_domain_is_not_in_is_no_way_to_change_it(
    engine: SidesEngine, subject: Subject, way: Rfc2136Settings
) -> None:
    other = msgspec.structs.replace(way, zone="ample.test")
    with pytest.raises(BadRequest, match="isn't in the zone") as refused:
        engine.cutovers.add(subject, other)
    assert refused.value.exit_status == 2
    with pytest.raises(BadRequest):
        engine.cutovers.changes.set_provider(NAME, other)


async def test_as_json_the_result_is_one_document(
    engine: SidesEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await apply_change(engine, NAME, NAME, as_json=True) == 0
    there = json.loads(capsys.readouterr().out)
    assert there["state"] in ("changed", "moved")
    assert await roll_back(engine, NAME, NAME, ACCEPT_LOSS, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "rolled back"


@pytest.mark.parametrize(
    "loss", [LossDecision(), LossDecision(copy_back=True)], ids=["compared", "copied back"]
)
async def test_with_the_new_registry_gone_the_way_back_says_why_and_how_to_go_all_the_same(
    engine: SidesEngine, lab: DnsLab, sides: TwoSides, loss: LossDecision
) -> None:
    assert await apply(engine) == 0
    sides.new.stop()

    with pytest.raises(LossUnknown, match=r"refused") as raised:
        await roll_back(engine, NAME, NAME, loss)

    assert "nobody has compared" not in raised.value.detail
    assert "--accept-loss goes back without knowing" in raised.value.remedy
    assert await roll_back(engine, NAME, NAME, ACCEPT_LOSS) == 0
    assert held(lab) == {(OLD,)}


async def test_repositories_that_are_tried_dont_keep_others_from_being_compared(
    engine: SidesEngine, sides: TwoSides, subject: Subject
) -> None:
    assert subject.repositories == (APP,)
    push_image(sides.old, "team/web", "1")

    seen = (await checked(engine, engine.cutovers.find(NAME).name)).result("P-27")

    assert seen is not None
    assert "1 tag is not at the new registry: team/web:1." in seen.seen
