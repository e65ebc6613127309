"""A domain moved in plain lines: what is asked, what is said, and what is done about it."""

from __future__ import annotations

import pytest

from cutovers import clean
from fakes import cutovers_world as world
from fakes.engine import FakeEngine
from fakes.script import Script
from transship.accounts.registry_file import Account
from transship.cutover.progress import CutoverState
from transship.errors import ProviderUnreachable
from transship_tui.plain import Left, PlainCutover, PlainGuide, Talk

DOMAIN = clean.NAME
OLD, NEW = Account("old.example", alias="old"), Account("new.example", alias="new")


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine(known=[OLD, NEW])
    engine.standings = {world.NAME: world.ready(applier=world.APPLIER)}
    return engine


async def walk(engine: FakeEngine, *answers: str) -> Script:
    """Walk with these answers, and then end; return what was said."""
    script = Script([*answers])
    with pytest.raises(Left):
        await PlainCutover(engine, Talk(script.terminal())).run()
    return script


def done(engine: FakeEngine, name: str) -> list[object]:
    return [what for method, what in engine.asked if method == name]


async def test_a_change_is_shown_typed_made_and_watched(engine: FakeEngine) -> None:
    engine.watched = [world.changed(applier=world.APPLIER)]

    script = await walk(engine, "1", "change", DOMAIN)

    assert done(engine, "change_record") == [world.NAME]
    said = script.text
    assert f"take away: {DOMAIN}. 60 IN CNAME {clean.OLD}" in said
    assert f"put there: {DOMAIN}. 60 IN CNAME {clean.NEW}" in said
    assert world.APPLIER.place in said
    assert said.index("put there") < said.index(f"Type {DOMAIN}") < said.index("change done")
    assert "resolver office has moved" in said
    assert f"{DOMAIN}: {CutoverState.CHANGED}" in said
    assert "What now: watch, check, back, end [watch]" in said


@pytest.mark.parametrize("typed", ["", "yes", "images.example.org"])
async def test_nothing_is_changed_unless_the_domain_is_typed(
    engine: FakeEngine, typed: str
) -> None:
    script = await walk(engine, "1", "change", typed)

    assert done(engine, "change_record") == []
    assert "Nothing was changed" in script.text


async def test_by_hand_the_steps_are_said_and_the_change_is_seen(engine: FakeEngine) -> None:
    engine.standings[world.NAME] = world.ready()
    engine.watched = [world.changed()]

    script = await walk(engine, "1", "change")

    assert done(engine, "change_record") == []
    assert "Type " not in script.text
    assert "It is seen by itself" in script.text
    assert f"{DOMAIN}: {CutoverState.CHANGED}" in script.text


async def test_what_stands_in_the_way_is_explained_and_asked_about(engine: FakeEngine) -> None:
    engine.standings[world.NAME] = world.with_trouble()

    script = await walk(engine, "1", "1", "", "going on")

    assert "The change waits for" in script.text
    assert "P-13 blocks: " in script.text
    assert "What to do: " in script.text
    assert "P-09, Nothing puts the record back: needs" in script.text
    assert "  1  Nothing does" in script.text
    evidence = engine.standings[world.NAME].evidence
    assert evidence is not None
    said = {each.question: each.answer for each in evidence.statements}
    assert said["automation"] == "none"
    assert "going on" in said.values(), "a warning was acknowledged, with its reason"


@pytest.mark.parametrize(
    ("pasted", "read"),
    [
        (("depth=1 C = US", "", "Verify return code: 0 (ok)", "."), True),
        (("bash: openssl: command not found", "."), None),
        (("",), None),
    ],
)
async def test_what_a_command_prints_is_pasted_and_kept_if_it_can_be_read(
    engine: FakeEngine, pasted: tuple[str, ...], read: bool | None
) -> None:
    engine.standings[world.NAME] = world.with_trouble()

    script = await walk(engine, "1", "1", *pasted, "")

    evidence = engine.standings[world.NAME].evidence
    assert evidence is not None
    kept = [each for each in evidence.statements if each.question == "node-trust"]
    assert bool(kept) is bool(read)
    assert ("Understood: " in script.text) is bool(read)
    assert ("Not read: " in script.text) is (read is None and pasted != ("",))


async def test_checks_that_are_not_settled_are_listed(engine: FakeEngine) -> None:
    engine.looks = [world.with_trouble()]

    script = await walk(engine, "1", "check")

    assert "P-27 blocks: The same digests under every tag." in script.text
    assert "of them settled" in script.text
    assert "Earliest safe flip" in script.text


async def test_the_way_back_says_what_it_hides_and_wants_a_yes_for_it(engine: FakeEngine) -> None:
    engine.standings[world.NAME] = world.changed_with_loss(applier=world.APPLIER)

    refused = await walk(engine, "1", "back", "no")
    assert done(engine, "roll_back_record") == []
    assert "would hide 2 tags: team/app:1.5, team/web:2.0" in refused.text

    await walk(engine, "1", "back", "yes", DOMAIN)
    assert done(engine, "roll_back_record") == [(world.NAME, True)]


async def test_the_way_back_without_loss_wants_the_domain_only(engine: FakeEngine) -> None:
    engine.standings[world.NAME] = world.changed(applier=world.APPLIER)

    script = await walk(engine, "1", "back", DOMAIN)

    assert done(engine, "roll_back_record") == [(world.NAME, False)]
    assert "rollback done" in script.text


async def test_without_a_fresh_comparison_it_goes_back_only_with_another_yes(
    engine: FakeEngine,
) -> None:
    engine.standings[world.NAME] = world.changed(applier=world.APPLIER)
    engine.why_not_compared = "old.example: refused"

    refused = await walk(engine, "1", "back", DOMAIN, "no")
    assert "old.example: refused" in refused.text
    assert "Go back without knowing what it hides" in refused.text
    assert done(engine, "roll_back_record") == [(world.NAME, False)]

    await walk(engine, "1", "back", DOMAIN, "yes")
    assert done(engine, "roll_back_record")[-1] == (world.NAME, True)


async def test_an_error_is_said_with_its_remedy_and_nothing_is_lost(engine: FakeEngine) -> None:
    engine.failures["change_record"] = ProviderUnreachable("9.1.1.1: refused")

    script = await walk(engine, "1", "change", DOMAIN, "")

    assert f"Error: {ProviderUnreachable.title}" in script.text
    assert ProviderUnreachable().remedy in script.text
    assert script.text.count("What now: change") == 2


async def test_a_domain_is_begun_where_the_migration_has_ended(engine: FakeEngine) -> None:
    engine.standings = {}
    engine.looks = [world.with_trouble()]
    script = Script(["images.example.com", "", "10.0.0.2 10.0.0.3:5353", ""])
    cutover = PlainCutover(
        engine, Talk(script.terminal()), "old.example", "new.example:5000", ("team/web",)
    )

    with pytest.raises(Left):
        await cutover.run()

    (name, _) = engine.standings.items().__iter__().__next__()
    assert name.startswith("images.example.com-")
    assert done(engine, "check_cutover") == [name], "it is checked at once"


async def test_a_domain_that_is_none_is_said_and_asked_for_again(engine: FakeEngine) -> None:
    engine.standings = {}
    script = Script(["https://images.example.com", "", "", "", "no"])

    await PlainCutover(engine, Talk(script.terminal()), "old.example", "new.example").run()

    assert "Error: " in script.text
    assert script.text.count("A number, or a domain") == 2
    assert "transship cutover plan DOMAIN" in script.text


async def test_the_guide_offers_a_domain_that_is_being_moved(engine: FakeEngine) -> None:
    script = Script(["yes", "1", "end"])

    assert await PlainGuide(engine, script.terminal()).run() == 0
    assert f"{DOMAIN}: go on with moving it?" in script.text
    assert "Step 1" not in script.text
