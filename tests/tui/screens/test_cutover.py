"""The domains that are being moved: the list, and the board of one of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Button, Input, Static, TextArea

from fakes.cutovers_world import (
    APPLIER,
    NAME,
    changed,
    changed_with_loss,
    changing,
    moved,
    ready,
    rolled_back,
)
from fakes.jobs import job_view
from fakes.screen import line_in, screen_text, until
from fakes.world import WAYS, full_world, walking
from transship.accounts.registry_file import Account
from transship.app.cutovers import TrialResult
from transship.cutover.progress import CutoverState
from transship.cutover.status import CutoverStatus
from transship.errors import BadDomain, CutoverBusy, RecordChanged
from transship.transfers.copies import JobState
from transship_tui.widgets.bars import Heading, LineBar, MessageBar
from transship_tui.widgets.table import VirtualTable

if TYPE_CHECKING:
    from fakes.world import Walk


def table(walk: Walk) -> VirtualTable:
    return walk.app.screen.query_one("#board", VirtualTable)


def row(walk: Walk, check: str) -> str:
    return next(line for line in screen_text(walk.app).split("\n") if f" {check} " in line)


async def at_check(walk: Walk, check: str) -> None:
    """Put the cursor on a check."""
    assert table(walk).go_to(check)
    await walk.rests()


async def confirmed(walk: Walk) -> None:
    """Type the domain, and enter it."""
    await walk.press(*"images.example.com", "enter")
    await walk.is_at("CutoverBoardScreen")


# The list


async def test_the_list_says_how_each_domain_stands() -> None:
    async with walking(full_world(), WAYS["cutover"]) as walk:
        shown = screen_text(walk.app)
        assert "· before      images.example.com" in shown
        assert "nothing was checked yet" in shown
        assert "Earliest safe flip: 14:25:30 UTC, in 12:09 min" in shown
        assert "transship check images.example.com --to registry" in line_in(walk.app, LineBar)
        await walk.press("j")
        assert "transship check hub.example.org:5000" in line_in(walk.app, LineBar)


async def test_without_a_domain_it_says_how_to_begin() -> None:
    engine = full_world()
    engine.standings = {}
    async with walking(engine, WAYS["cutover"], (60, 20)) as walk:
        assert "No domain is being moved. a begins" in screen_text(walk.app)
        await walk.press("D")
        assert "a begins one" in line_in(walk.app, MessageBar)
        await walk.press("a")
        await walk.is_at("CutoverFormScreen")


async def test_the_guide_leads_there() -> None:
    async with walking(full_world(), WAYS["cutover"]) as walk:
        journey = walk.app.context.guide
        journey.source, journey.target, journey.job, journey.proven = (
            "old.example:5000",
            "new.example",
            "efg678",
            "efg678",
        )
        await walk.press("1", "n")
        assert walk.app.current_mode == "cutover"
        await walk.press("n")
        await walk.is_at("CutoverBoardScreen")


def proven(walk: Walk, target: str = "registry.newcloud.org") -> None:
    """Let all steps before the cutover be done, to a target."""
    journey = walk.app.context.guide
    walk.engine.known = [Account("old.example"), Account(target)]
    journey.source, journey.target, journey.job, journey.proven = (
        "old.example",
        target,
        "efg678",
        "efg678",
    )


async def test_the_guide_says_what_the_domain_waits_for_and_leads_to_it() -> None:
    async with walking(full_world(), WAYS["cutover-board"], (120, 40)) as walk:
        proven(walk)
        await walk.press("f2", "j", "j")
        assert "images.example.com: 3 to put right, " in screen_text(walk.app)
        await walk.press("right_square_bracket", "n")
        assert "The change waits for" in line_in(walk.app, MessageBar)
        assert table(walk).key_at_cursor() == "P-07"
        assert walk.app.screen.query_one("#board").display


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (ready(), "Nothing stands in the way: change images.example.com"),
        (changing(), "isn't at every name server yet"),
        (changed(), "resolvers are to follow"),
        (moved(), "images.example.com has moved"),
        (rolled_back(), "change it again when you are ready"),
    ],
)
async def test_the_guide_says_how_far_the_domain_is(standing: CutoverStatus, said: str) -> None:
    async with walking(full_world(), WAYS["registries"], (120, 40)) as walk:
        walk.engine.standings = {NAME: standing}
        proven(walk)
        world = walk.app.context.guide.world(walk.engine, walk.app.context.monitor.jobs)
        assert world.cutover_done is (standing.state is CutoverState.MOVED)
        assert said in world.cutover_waits


async def test_the_guide_begins_the_change_once_nothing_stands_in_the_way() -> None:
    async with walking(full_world(), WAYS["cutover-ready"], (120, 40)) as walk:
        proven(walk)
        await walk.press("n")
        await walk.is_at("ConfirmDialog")
        assert "Point images.example.com at registry.newcloud.org?" in screen_text(walk.app)


async def test_on_a_board_that_is_ready_next_begins_the_change_whatever_else_waits() -> None:
    async with walking(full_world(), WAYS["cutover-ready"], (120, 40)) as walk:
        proven(walk)
        walk.app.context.guide.proven = "another job"
        await walk.press("f2")
        said = "n Nothing stands in the way: change images.example.com."
        await until(walk.pilot, lambda: said in screen_text(walk.app), "what comes next here")
        await walk.press("n")
        await walk.is_at("ConfirmDialog")


async def test_a_cutover_that_cannot_be_read_says_why() -> None:
    engine = full_world()
    engine.standings[NAME] = replace(engine.standings[NAME], problem="subject.toml: no such file")
    async with walking(engine, WAYS["cutover"]) as walk:
        assert "can't be read: subject" in screen_text(walk.app)
        assert "✗ subject.toml: no such file" in screen_text(walk.app)


async def test_putting_one_away_is_asked_first() -> None:
    async with walking(full_world(), WAYS["cutover"]) as walk:
        await walk.press("D")
        await walk.is_at("ConfirmDialog")
        await walk.press("enter")
        assert NAME in walk.engine.standings
        await walk.press("D", "right", "enter")
        await walk.is_at("CutoverScreen")
        assert NAME not in walk.engine.standings


# The board


async def test_the_cursor_steps_over_the_titles() -> None:
    async with walking(full_world(), WAYS["cutover-board"]) as walk:
        await walk.press("f", "g")
        assert table(walk).key_at_cursor() == "P-01"
        await at_check(walk, "F-01")
        await walk.press("k")
        last = table(walk).key_at_cursor() or ""
        assert last.startswith("P-")
        await walk.press("j")
        assert table(walk).key_at_cursor() == "F-01"
        await walk.press("k")
        assert table(walk).key_at_cursor() == last


async def test_that_nothing_is_asked_is_said_no_longer_on_another_check() -> None:
    async with walking(full_world(), WAYS["cutover-board"]) as walk:
        await at_check(walk, "P-13")
        await walk.press("a")
        assert "This asks nothing; open it" in line_in(walk.app, MessageBar)
        await walk.press("j")
        assert not line_in(walk.app, MessageBar).strip()


async def test_after_a_copy_it_says_which_key_looks_again() -> None:
    async with walking(full_world(), WAYS["cutover-board"], (120, 40)) as walk:
        assert "looks again" not in screen_text(walk.app)
        subject = walk.engine.standings[NAME].subject
        job = job_view("job9", JobState.DONE)
        walk.engine.views = [replace(job, target=f"{subject.new}/team/web", ended=2e10)]
        said = "A copy has ended since: t looks again"
        await until(walk.pilot, lambda: said in screen_text(walk.app), "what helps")


async def test_the_board_begins_with_what_is_to_be_done() -> None:
    async with walking(full_world(), WAYS["cutover-board"], (120, 40)) as walk:
        assert "✗ blocks   P-13" in row(walk, "P-13")
        assert "5.6.7.8 shows a certificate" in row(walk, "P-13")
        assert "! warn     P-03" in row(walk, "P-03")
        assert "? open     P-09" in row(walk, "P-09")
        assert "needs whether anything else manages" in row(walk, "P-09")
        assert "P-01" not in screen_text(walk.app)
        assert "waits for P-07, P-13, P-27 and 5 more" in screen_text(walk.app)
        await walk.press("f")
        assert "✓ pass     P-01" in row(walk, "P-01")
        assert "All checks 61" in screen_text(walk.app)


async def test_what_waits_for_the_change_says_so() -> None:
    async with walking(full_world(), WAYS["cutover-board"], (120, 40)) as walk:
        await walk.press("f")
        await at_check(walk, "F-01")
        assert "waits for P-07, P-13, P-27" in row(walk, "F-01")


async def test_the_clocks_count_down_and_the_way_back_stays() -> None:
    async with walking(full_world(), WAYS["cutover-board"]) as walk:
        assert "in 12:09 min" in screen_text(walk.app)
        walk.engine.clock.advance(60)
        await until(walk.pilot, lambda: "in 11:09 min" in screen_text(walk.app), "a minute less")
        for _ in range(4):
            assert "↶ Way back           with today's TTL: 1 min 00 s" in screen_text(walk.app)
            await walk.press("right_square_bracket")


async def test_enter_explains_and_y_copies_the_record() -> None:
    async with walking(full_world(), WAYS["cutover-explained"], (120, 40)) as walk:
        shown = screen_text(walk.app)
        assert "What it means" in shown
        assert "Attach a certificate for the domain" in shown
        assert "The change waits for this." in shown
        await walk.press("y")
        assert "Attach a certificate" in walk.app.clipboard
        await walk.press("escape")
        await walk.is_at("CutoverBoardScreen")


async def test_what_is_open_says_once_what_it_needs_and_what_it_asks() -> None:
    async with walking(full_world(), WAYS["cutover-board"], (120, 40)) as walk:
        await at_check(walk, "P-09")
        await walk.press("enter")
        await walk.is_at("CheckDialog")
        words = str(walk.app.screen.query_one(".words Static", Static).render())
        assert words.count("whether anything else manages") == 1
        assert "It asks        Does anything besides people" in words


async def test_a_domain_that_was_never_checked_is_checked_at_once() -> None:
    engine = full_world()
    whole = engine.standings[NAME]
    looking = CutoverStatus(NAME, whole.subject, checks=whole.checks, checking="the new registry")
    engine.standings[NAME] = CutoverStatus(NAME, whole.subject)
    engine.looks = [looking, whole]
    engine.gates["check_cutover"] = asyncio.Event()
    async with walking(engine, WAYS["cutover"]) as walk:
        walk.app.screen.query_one(VirtualTable).action_open()
        await until(walk.pilot, lambda: ("check_cutover", NAME) in engine.asked, "it is checked")
        assert "Nothing was checked yet" in screen_text(walk.app)
        engine.gates["check_cutover"].set()
        await until(walk.pilot, lambda: "P-13" in screen_text(walk.app), "the checks")


async def test_a_warning_is_acknowledged_with_a_reason_and_a_name() -> None:
    async with walking(full_world(), WAYS["cutover-board"], (120, 40)) as walk:
        await at_check(walk, "P-03")
        await walk.press("A")
        await walk.is_at("NameDialog")
        await walk.press(*"known", "enter")
        await walk.is_at("CutoverBoardScreen")
        assert "P-03 is acknowledged" in line_in(walk.app, MessageBar)
        await walk.press("f")
        assert "⊘ accepted P-03" in row(walk, "P-03")
        assert "by maria on laptop: known" in row(walk, "P-03")
        statement = walk.engine.standings[NAME].evidence.statements[-1]  # type: ignore[union-attr]
        assert statement.question.startswith("accept:P-03/")


async def test_what_blocks_cannot_be_acknowledged() -> None:
    async with walking(full_world(), WAYS["cutover-board"]) as walk:
        await at_check(walk, "P-13")
        await walk.press("A")
        await walk.is_at("CutoverBoardScreen")
        assert "what blocks can't be" in line_in(walk.app, MessageBar)


async def test_a_choice_answers_what_is_asked() -> None:
    async with walking(full_world(), WAYS["cutover-board"], (120, 40)) as walk:
        await at_check(walk, "P-09")
        await walk.press("a")
        await walk.is_at("QuestionDialog")
        assert "Terraform" in screen_text(walk.app)
        await walk.press("enter")
        await walk.is_at("CutoverBoardScreen")
        assert "P-09" not in screen_text(walk.app)


async def test_what_a_command_prints_is_pasted_and_read() -> None:
    async with walking(full_world(), WAYS["cutover-question"], (120, 40)) as walk:
        assert "openssl s_client -connect 5.6.7.8:443" in screen_text(walk.app)
        keep = walk.app.screen.query_one("#keep", Button)
        area = walk.app.screen.query_one(TextArea)
        area.text = "no such command"
        await until(walk.pilot, lambda: "can't be read" in screen_text(walk.app), "what is wrong")
        assert keep.disabled
        area.text = "Verify return code: 0 (ok)"
        await until(walk.pilot, lambda: not keep.disabled, "it can be read")
        await walk.press("ctrl+s")
        await walk.is_at("CutoverBoardScreen")
        assert "The answer is kept" in line_in(walk.app, MessageBar)


async def test_keeping_nothing_says_that_there_is_nothing_to_keep() -> None:
    async with walking(full_world(), WAYS["cutover-question"], (120, 40)) as walk:
        await walk.press("ctrl+s")
        await walk.is_at("QuestionDialog")
        assert "There is nothing to keep yet" in screen_text(walk.app)
        walk.app.screen.query_one(TextArea).text = "no such command"
        await until(walk.pilot, lambda: "can't be read" in screen_text(walk.app), "what is wrong")
        assert "There is nothing to keep yet" not in screen_text(walk.app)
        await walk.press("ctrl+s")
        assert "That can't be kept" in screen_text(walk.app)


async def test_the_command_can_be_copied() -> None:
    async with walking(full_world(), WAYS["cutover-question"], (120, 40)) as walk:
        await walk.press("ctrl+o")
        assert walk.app.clipboard.startswith("openssl s_client")


async def test_the_grid_shows_who_says_what() -> None:
    async with walking(full_world(), WAYS["cutover-watched"], (120, 40)) as walk:
        shown = screen_text(walk.app)
        assert "● new     office" in shown
        assert "3/3" in shown
        assert "Follows" in shown
        assert "○ old     Quad9" in shown
        assert "◆ other   slow" in shown
        assert "Servers 1/4" in shown
        assert "By the rules" in shown
        assert "As seen" in shown
        assert "Stragglers" in shown


async def test_the_grid_fills_as_answers_come() -> None:
    engine = full_world()
    engine.standings[NAME] = ready()
    engine.watched = [changed()]
    engine.gates["watch_cutover"] = asyncio.Event()
    async with walking(engine, WAYS["cutover"]) as walk:
        walk.app.screen.query_one(VirtualTable).action_open()
        await until(walk.pilot, lambda: "Show change" in screen_text(walk.app), "the board")
        assert "ready" in line_in(walk.app, Heading)
        engine.gates["watch_cutover"].set()
        await until(walk.pilot, lambda: "changed" in line_in(walk.app, Heading), "it was changed")


async def test_while_another_process_watches_its_journal_is_read() -> None:
    engine = full_world()
    engine.standings[NAME] = ready()
    engine.watched = [changed()]
    engine.failures["watch_cutover"] = CutoverBusy(NAME)
    async with walking(engine, WAYS["cutover"]) as walk:
        walk.app.screen.query_one(VirtualTable).action_open()
        await until(walk.pilot, lambda: "ready" in line_in(walk.app, Heading), "the board")
        engine.standings[NAME] = changed()
        await until(walk.pilot, lambda: "changed" in line_in(walk.app, Heading), "it was changed")
        assert "✗" not in line_in(walk.app, MessageBar)
        del engine.failures["watch_cutover"]


# The change


async def test_by_hand_the_exact_edit_and_its_reverse_are_shown() -> None:
    async with walking(full_world(), WAYS["cutover-change"], (120, 40)) as walk:
        shown = screen_text(walk.app)
        assert "- images.example.com. 60 IN CNAME registry.oldcloud.net." in shown
        assert "+ images.example.com. 60 IN CNAME registry.newcloud.org." in shown
        assert "nsupdate -k KEY-FILE" in shown
        assert "sees by itself when it is made" in shown
        await walk.press("Y")
        assert walk.app.clipboard == "images.example.com. 60 IN CNAME registry.newcloud.org."


async def test_an_applier_wants_the_domain_typed_and_stays_until_it_is_right() -> None:
    async with walking(full_world(), WAYS["cutover-change-question"]) as walk:
        assert walk.app.screen.query_one("#go-on", Button).disabled
        await walk.press("enter", *"images.example.org", "enter", "t")
        await walk.is_at("ConfirmDialog")
        assert "That isn't images.example.com" not in screen_text(walk.app)
        await walk.press("enter")
        assert "That isn't images.example.com; esc cancels" in screen_text(walk.app)
        assert ("change_record", NAME) not in walk.engine.asked


async def test_a_change_that_is_confirmed_is_made() -> None:
    async with walking(full_world(), WAYS["cutover-change-question"]) as walk:
        await confirmed(walk)
        assert ("change_record", NAME) in walk.engine.asked
        assert "The change is made: every name server has it" in line_in(walk.app, MessageBar)


async def test_a_change_that_fails_says_why() -> None:
    async with walking(full_world(), WAYS["cutover-change-question"]) as walk:
        walk.engine.failures["change_record"] = RecordChanged("somebody was faster")
        await confirmed(walk)
        assert "isn't what it was expected to be" in line_in(walk.app, MessageBar)


async def test_while_something_blocks_an_applier_changes_nothing() -> None:
    engine = full_world()
    engine.standings[NAME] = replace(engine.standings[NAME], applier=APPLIER)
    async with walking(engine, WAYS["cutover-board"]) as walk:
        assert walk.app.screen.query_one("#change-it", Button).disabled
        assert "waits for P-07" in screen_text(walk.app)


async def test_going_back_says_what_it_would_hide() -> None:
    async with walking(full_world(), WAYS["cutover-back-anyway"], (120, 40)) as walk:
        shown = screen_text(walk.app)
        assert "Put images.example.com back although it hides 2 tags?" in shown
        assert "team/app:1.5" in shown
        await confirmed(walk)
        assert ("roll_back_record", (NAME, True)) in walk.engine.asked


async def test_going_back_by_hand_shows_the_reverse() -> None:
    engine = full_world()
    engine.standings[NAME] = changed()
    async with walking(engine, WAYS["cutover-board"], (120, 40)) as walk:
        walk.app.screen.query_one("#back-it", Button).press()
        await walk.is_at("WordsDialog")
        assert "+ images.example.com. 60 IN CNAME registry.oldcloud.net." in screen_text(walk.app)


async def test_a_way_back_that_is_blocked_says_so_all_the_time() -> None:
    engine = full_world()
    engine.standings[NAME] = changed_with_loss()
    async with walking(engine, WAYS["cutover-board"]) as walk:
        assert "✗ Way back           blocked: going back now would hide 2 tags" in screen_text(
            walk.app
        )


async def test_before_the_change_there_is_nothing_to_go_back_from() -> None:
    async with walking(full_world(), WAYS["cutover-board"]) as walk:
        assert walk.app.screen.query_one("#back-it", Button).disabled


async def test_the_report_is_written() -> None:
    async with walking(full_world(), WAYS["cutover-board"], (120, 40)) as walk:
        await walk.press("w")
        await walk.is_at("ReportDialog")
        assert "Report of cutover images.example.com" in screen_text(walk.app)
        await walk.press("enter")
        await walk.is_at("CutoverBoardScreen")
        assert "/home/alice/report-images.example.com.html" in line_in(walk.app, MessageBar)


# Beginning one


async def test_the_form_tries_as_it_is_filled_in() -> None:
    engine = full_world()
    engine.tries_say["try_domain"] = TrialResult(
        good=True, words="leads to a.example", proposal="a.example"
    )
    engine.views, engine.looks = [], []
    async with walking(engine, WAYS["cutover"], (120, 40)) as walk:
        await walk.press("a")
        await walk.is_at("CutoverFormScreen")
        await walk.press(*"images.example.com", "tab", *"b.example", "tab")
        shown = screen_text(walk.app)
        assert "✓ leads to a.example" in shown
        assert "✓ a certificate for the name" in shown
        line = "transship cutover plan images.example.com --to b.example --from a.example"
        assert line in line_in(walk.app, LineBar)
        await walk.press("ctrl+s")
        await walk.is_at("CutoverBoardScreen")
        kept = walk.engine.standings["images.example.com-abcdef"].subject
        assert (kept.domain.name, kept.new, kept.old) == (
            "images.example.com",
            "b.example",
            "a.example",
        )


@pytest.mark.parametrize(
    ("field", "words", "said"),
    [
        ("domain", "https://images.example.com", "Not a domain"),
        ("resolvers", "resolver.example", "Not a resolver"),
        ("new", "", "This is needed."),
    ],
)
async def test_what_is_wrong_is_said_under_its_field(field: str, words: str, said: str) -> None:
    async with walking(full_world(), WAYS["cutover-form"], (120, 40)) as walk:
        walk.app.screen.query_one(f"#{field}", Input).value = words
        await walk.press("ctrl+s")
        await walk.is_at("CutoverFormScreen")
        assert said in screen_text(walk.app)
        assert walk.app.focused is not None
        assert walk.app.focused.id == field


async def test_a_field_that_cannot_be_tried_says_why() -> None:
    engine = full_world()
    engine.failures["try_domain"] = BadDomain("no dots")
    async with walking(engine, WAYS["cutover"], (120, 40)) as walk:
        await walk.press("a")
        await walk.is_at("CutoverFormScreen")
        await walk.press(*"images.example.com", "tab")
        assert "✗ Not a domain: no dots" in screen_text(walk.app)


async def test_what_is_filled_in_isnt_lost_unasked() -> None:
    async with walking(full_world(), WAYS["cutover-form"]) as walk:
        await walk.press("escape")
        await walk.is_at("ConfirmDialog")
        await walk.press("escape")
        await walk.is_at("CutoverFormScreen")


async def test_what_keeps_pulls_from_being_made_is_beside_the_buttons() -> None:
    engine = full_world()
    engine.watched = [changed(trouble="pulls by the domain can't be made: nodes.pem is gone")]
    async with walking(engine, WAYS["cutover-board"], (120, 40)) as walk:
        await until(walk.pilot, lambda: "nodes.pem is gone" in screen_text(walk.app), "why")


# What the new registry's service says


async def test_what_the_service_says_is_on_the_board_with_the_line_that_helps() -> None:
    async with walking(full_world(), WAYS["cutover-service"]) as walk:
        shown = " ".join(screen_text(walk.app).split())

        assert "blocks" in row(walk, "P-10")
        assert "team.tencentcloudcr.com has no custom domain images.example.com." in shown
        assert "To do: Add it with a certificate for it (`transship delegate domain add" in shown
        assert "warn" in row(walk, "P-12")
        await at_check(walk, "P-12")
        assert "lets in 203.0.113.0/24, and nobody else" in screen_text(walk.app)


async def test_whom_the_service_lets_in_is_explained_in_full() -> None:
    async with walking(full_world(), WAYS["cutover-service-reach"], (120, 40)) as walk:
        shown = " ".join(screen_text(walk.app).split())

        assert "Pulls from any other address fail" in shown
        assert "vpc-a1b2c3 is linked, and its private DNS doesn't lead" in shown
        assert "`transship delegate network team.tencentcloudcr.com" in shown
        assert "--record vpc-a1b2c3`" in shown
