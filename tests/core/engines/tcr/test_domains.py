"""Custom domains of an instance: attached, waited for, replaced and removed, in words."""

from __future__ import annotations

import pytest

from delegating.tencent import NAME, Agreeing, ended
from fakes.clock import FakeClock
from servers.tencent import Instance, TencentApi
from servers.tencent.domains import Custom
from transship import errors
from transship.engines.changes import ChangeAction, ChangeSet
from transship.engines.tcr.domains import DomainEngine, plan_domain, wait_for_domain


class Crashed(BaseException):
    """The process ends."""


class TestAttaching:
    async def test_without_a_certificate_those_that_would_do_are_named(
        self, custom: Custom, domains: DomainEngine
    ) -> None:
        changes = await plan_domain(domains, NAME)

        assert changes.changes == ()
        assert changes.refusals[0].remedy == (
            "Choose one of cert-wild (*.example.com, example.com, ends 2027-05-31); "
            "cert-exact (images.example.com, ends 2026-12-31)."
        )

    async def test_a_domain_is_attached_and_waited_for_until_it_works(
        self,
        custom: Custom,
        domains: DomainEngine,
        instance: Instance,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        changes = await plan_domain(domains, NAME, certificate="cert-wild")
        assert [str(each) for each in changes.changes] == [f"create custom domain {NAME}"]
        assert any(
            note.startswith("The instance stands in mainland China: a domain without an ICP filing")
            for note in changes.notes
        )
        assert instance.domains == {}

        identity = await operator.agreed(changes, domains)
        words = await ended(domains, clock)

        assert words == [
            f"{NAME} is being attached (CREATING); that takes 1 to 2 minutes.",
            f"{NAME} works at the instance, with the certificate cert-wild.",
        ]
        assert (await plan_domain(domains, NAME, certificate="cert-wild")).to_make == ()

        await operator.undone(identity, domains)

        assert await domains.read("custom domain", NAME) is None

    async def test_no_more_than_one_is_asked_for_in_a_second(
        self, custom: Custom, domains: DomainEngine, operator: Agreeing, clock: FakeClock
    ) -> None:
        for name in ("a.example.com", "b.example.com"):
            await operator.agreed(
                await plan_domain(domains, name, certificate="cert-wild"), domains
            )

        assert any(0.5 < pause <= 1.0 for pause in clock.slept)

    async def test_one_that_is_creating_for_long_has_a_certificate_problem(
        self,
        custom: Custom,
        domains: DomainEngine,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        custom.looks = -1
        await operator.agreed(await plan_domain(domains, NAME, certificate="cert-exact"), domains)

        seen = [each async for each in wait_for_domain(domains, NAME, clock, within=600)]

        assert "mostly a problem of the certificate (cert-exact)" in seen[1].words
        assert not seen[-1].is_over
        assert seen[-1].waited >= 600

    async def test_one_that_fails_is_removed_before_it_is_tried_again(
        self, custom: Custom, domains: DomainEngine, operator: Agreeing, clock: FakeClock
    ) -> None:
        custom.fails = {"cert-exact"}
        await operator.agreed(await plan_domain(domains, NAME, certificate="cert-exact"), domains)

        words = await ended(domains, clock)
        again = await plan_domain(domains, NAME, certificate="cert-exact")
        other = await plan_domain(domains, NAME, certificate="cert-wild")

        assert "couldn't be attached (FAILURE)" in words[-1]
        assert "Remove it first" in again.refusals[0].remedy
        assert [each.does for each in other.changes] == [ChangeAction.CHANGE]

    @pytest.mark.parametrize(
        ("identity", "why"),
        [
            ("cert-other", "is for other.example.net, not for images.example.com"),
            ("cert-review", "is being reviewed"),
            ("cert-ended", "ended 2023-12-31"),
            ("cert-sm2", "container runtimes don't know"),
            ("cert-none", "has no server certificate cert-none"),
        ],
    )
    async def test_a_certificate_that_does_not_hold_is_refused_before(
        self, identity: str, why: str, custom: Custom, domains: DomainEngine, api: TencentApi
    ) -> None:
        changes = await plan_domain(domains, NAME, certificate=identity)

        assert why in str(changes.refusals[0])
        assert "CreateInstanceCustomizedDomain" not in api.actions()

    @pytest.mark.parametrize(
        ("code", "remedy"),
        [
            ("FailedOperation.DependenceError", "couldn't use the certificate"),
            ("ResourceNotFound.CertificateNotFound", "no such certificate"),
            ("InvalidParameter", "ICP filing"),
            ("UnauthorizedOperation", "ssl:*"),
            ("FailedOperation", "The code and the words above are the API's own"),
        ],
    )
    async def test_what_the_api_refuses_is_explained(
        self,
        code: str,
        remedy: str,
        custom: Custom,
        domains: DomainEngine,
        api: TencentApi,
        operator: Agreeing,
    ) -> None:
        changes = await plan_domain(domains, NAME, certificate="cert-wild")
        api.refuses = {"CreateInstanceCustomizedDomain": [code]}

        with pytest.raises(errors.TransshipError) as refused:
            await operator.agreed(changes, domains)

        assert code in refused.value.detail
        assert remedy in refused.value.remedy

    async def test_who_may_not_see_certificates_may_name_one(
        self, custom: Custom, domains: DomainEngine, api: TencentApi, operator: Agreeing
    ) -> None:
        api.denied = {"DescribeCertificates"}

        unchosen = await plan_domain(domains, NAME)
        changes = await plan_domain(domains, NAME, certificate="cert-wild")
        await operator.agreed(changes, domains)

        assert "Name the id of one yourself" in unchosen.refusals[0].remedy
        assert any("couldn't be asked for" in note for note in changes.notes)
        attachment = await domains.attachment(NAME)
        assert attachment.certificate == "cert-wild"

    @pytest.mark.parametrize("name", ["", "images", "10.0.0.1:5000", "a b.example.com"])
    async def test_what_is_no_domain_is_said(
        self, name: str, custom: Custom, domains: DomainEngine
    ) -> None:
        with pytest.raises(errors.BadDomain):
            await plan_domain(domains, name, certificate="cert-wild")


class TestReplacing:
    async def attached(
        self, custom: Custom, domains: DomainEngine, operator: Agreeing, clock: FakeClock
    ) -> ChangeSet:
        await operator.agreed(await plan_domain(domains, NAME, certificate="cert-exact"), domains)
        await ended(domains, clock)
        return await plan_domain(domains, NAME, certificate="cert-wild")

    async def test_another_certificate_is_an_outage_that_is_said(
        self, custom: Custom, domains: DomainEngine, operator: Agreeing, clock: FakeClock
    ) -> None:
        changes = await self.attached(custom, domains, operator, clock)
        (change,) = changes.changes
        assert "1 to 2 minutes mostly, every pull and push by it fails" in change.warns[0]
        assert [(f.before, f.after) for f in change.fields] == [("cert-exact", "cert-wild")]

        identity = await operator.agreed(changes, domains)

        assert (await ended(domains, clock))[-1].endswith("with the certificate cert-wild.")
        assert custom.outages == 1
        await operator.undone(identity, domains)
        assert (await ended(domains, clock))[-1].endswith("with the certificate cert-exact.")

    async def test_where_the_new_one_is_not_taken_the_old_one_is_put_back(
        self, custom: Custom, domains: DomainEngine, operator: Agreeing, clock: FakeClock
    ) -> None:
        changes = await self.attached(custom, domains, operator, clock)
        custom.refused = {"cert-wild"}

        with pytest.raises(
            errors.EngineRefused, match=r"DependenceError.*added again with its old"
        ):
            await operator.agreed(changes, domains)

        assert (await ended(domains, clock))[-1].endswith("with the certificate cert-exact.")

    async def test_where_neither_is_taken_it_is_said_that_pulls_fail(
        self, custom: Custom, domains: DomainEngine, operator: Agreeing, clock: FakeClock
    ) -> None:
        changes = await self.attached(custom, domains, operator, clock)
        custom.refused = {"cert-wild", "cert-exact"}

        with pytest.raises(errors.EngineRefused) as refused:
            await operator.agreed(changes, domains)

        assert "pulls by it fail. Add it again at once" in refused.value.remedy

    async def test_one_that_ends_meanwhile_takes_nothing_away(
        self,
        custom: Custom,
        domains: DomainEngine,
        instance: Instance,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        changes = await self.attached(custom, domains, operator, clock)
        custom.held[0].status = 10

        with pytest.raises(errors.CantBeDelegated, match="is revoked"):
            await operator.agreed(changes, domains)

        assert instance.domains == {NAME: "SUCCESS"}

    async def broken_off(
        self,
        monkeypatch: pytest.MonkeyPatch,
        custom: Custom,
        domains: DomainEngine,
        operator: Agreeing,
        clock: FakeClock,
        at: str = "_create",
    ) -> str:
        """Return a change that a crash ended after the removal."""
        identity = operator.agree(await self.attached(custom, domains, operator, clock))

        async def crash(*_: object) -> None:
            raise Crashed

        with monkeypatch.context() as patch:
            patch.setattr(domains, at, crash)
            with pytest.raises(Crashed):
                await operator.make(identity, domains)
        return identity

    async def test_after_a_crash_in_between_it_is_gone_on_with(
        self,
        monkeypatch: pytest.MonkeyPatch,
        custom: Custom,
        domains: DomainEngine,
        instance: Instance,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        identity = await self.broken_off(monkeypatch, custom, domains, operator, clock)
        assert instance.domains == {}

        await operator.make(identity, domains)

        assert (await ended(domains, clock))[-1].endswith("with the certificate cert-wild.")

    async def test_one_that_is_still_going_after_a_crash_is_not_taken_away_twice(
        self,
        monkeypatch: pytest.MonkeyPatch,
        api: TencentApi,
        custom: Custom,
        domains: DomainEngine,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        crashed = custom, domains, operator, clock
        identity = await self.broken_off(monkeypatch, *crashed, at="_until_gone")

        await operator.make(identity, domains)

        assert len(api.calls("DeleteInstanceCustomizedDomain")) == 1
        assert (await ended(domains, clock))[-1].endswith("with the certificate cert-wild.")

    async def test_after_a_crash_in_between_undoing_adds_it_as_it_was(
        self,
        monkeypatch: pytest.MonkeyPatch,
        custom: Custom,
        domains: DomainEngine,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        identity = await self.broken_off(monkeypatch, custom, domains, operator, clock)

        await operator.undone(identity, domains)

        assert (await ended(domains, clock))[-1].endswith("with the certificate cert-exact.")


class TestRemoving:
    async def test_a_domain_is_removed_and_put_back_by_undoing(
        self,
        custom: Custom,
        domains: DomainEngine,
        instance: Instance,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        await operator.agreed(await plan_domain(domains, NAME, certificate="cert-wild"), domains)
        await ended(domains, clock)

        changes = await plan_domain(domains, NAME, remove=True)
        identity = await operator.agreed(changes, domains)

        assert "Move the name in DNS first" in changes.changes[0].warns[0]
        assert instance.domains == {NAME: "DELETING"}
        assert (await plan_domain(domains, NAME, remove=True)).to_make == ()
        assert (await ended(domains, clock))[-1] == f"{NAME} isn't at the instance."
        await operator.undone(identity, domains)
        assert "works" in (await ended(domains, clock))[-1]

    async def test_one_that_is_on_its_way_out_is_waited_for(
        self,
        custom: Custom,
        domains: DomainEngine,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        await operator.agreed(await plan_domain(domains, NAME, certificate="cert-wild"), domains)
        await ended(domains, clock)
        identity = await operator.agreed(await plan_domain(domains, NAME, remove=True), domains)

        await operator.undone(identity, domains)

        assert "works" in (await ended(domains, clock))[-1]

    async def test_one_that_does_not_go_away_can_be_gone_on_with(
        self,
        custom: Custom,
        domains: DomainEngine,
        instance: Instance,
        operator: Agreeing,
    ) -> None:
        instance.domains, custom.left = {NAME: "DELETING"}, {(instance.id, NAME): -1}
        identity = operator.agree(await plan_domain(domains, NAME, certificate="cert-wild"))

        with pytest.raises(errors.EngineRefused, match="is at the instance still, as DELETING"):
            await operator.make(identity, domains)

        custom.left = {}
        await operator.make(identity, domains)
        assert operator.journal.read(identity).is_whole

    async def test_what_is_not_there_can_not_be_removed(
        self, custom: Custom, domains: DomainEngine
    ) -> None:
        changes = await plan_domain(domains, NAME, remove=True)

        assert f"has no custom domain {NAME}" in str(changes.refusals[0])
