"""Custom domains of an instance: listed, attached, waited for, replaced and removed, in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from delegating.tencent import Agreeing, asking
from fakes.clock import FakeClock
from servers.tencent import Instance, Instances, TencentApi, tencent_api
from servers.tencent.domains import ACTIONS, Custom
from transship import errors
from transship.delegates.changes import ChangeSet, Does
from transship.delegates.journal import Journal
from transship.delegates.tencent.at_instance import AtInstance
from transship.delegates.tencent.attaching import access_says
from transship.delegates.tencent.certificates import Certificates
from transship.delegates.tencent.domain_words import (
    Certificate,
    CustomDomain,
    domain_words,
    status_words,
    time_of,
)
from transship.delegates.tencent.domains import Domains, read_upload, waited, wish
from transship.delegates.tencent.network_access import Access, Allowed, Link, Public, Stage
from transship.delegates.tencent.uploads import Upload
from transship.registries.attachment import Attached, Attachment
from transship.registries.services.tencent.cloud import SSL
from transship.registries.services.tencent.instances import instance_at

HOST = "team.tencentcloudcr.com"
NAME = "images.example.com"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(clock: FakeClock) -> Iterator[TencentApi]:
    with tencent_api(ACTIONS) as api:
        api.now = clock.now
        yield api


@pytest.fixture
def custom(api: TencentApi) -> Custom:
    custom = api.of(Custom)
    custom.hold("cert-wild", ["*.example.com", "example.com"], ends="2027-06-01 07:59:59")
    custom.hold("cert-exact", [NAME], ends="2027-01-01 07:59:59")
    custom.hold("cert-other", ["other.example.net"])
    custom.hold("cert-review", [NAME], status=0)
    custom.hold("cert-ended", [NAME], ends="2024-01-01 07:59:59")
    custom.hold("cert-sm2", [NAME], national=True)
    return custom


@pytest.fixture
def instance(api: TencentApi) -> Instance:
    return api.of(Instances).add("team", HOST, region="ap-shanghai")


@pytest.fixture
async def domains(api: TencentApi, instance: Instance, clock: FakeClock) -> AsyncIterator[Domains]:
    async with asking(api, clock) as cloud, asking(api, clock, SSL) as ssl:
        at = AtInstance(cloud, await instance_at(cloud, HOST))
        yield Domains(at, Certificates(ssl), clock)


@pytest.fixture
def operator(tmp_path: Path, clock: FakeClock) -> Agreeing:
    return Agreeing(Journal(tmp_path / "delegations", clock))


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("certificate")
    authority = trustme.CA()
    leaf = authority.issue_cert(NAME, "www.example.com")
    chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems) + authority.cert_pem.bytes()
    other = authority.issue_cert(NAME)
    made = Files(folder / "chain.pem", folder / "key.pem", folder / "other.pem")
    made.chain.write_bytes(chain)
    leaf.private_key_pem.write_to_path(str(made.key))
    other.private_key_pem.write_to_path(str(made.other_key))
    return made


@dataclass(frozen=True)
class Files:
    chain: Path
    key: Path
    other_key: Path

    @property
    def secret(self) -> str:
        return self.key.read_text().splitlines()[1]


async def ended(domains: Domains, clock: FakeClock) -> list[str]:
    return [seen.words async for seen in waited(domains, NAME, clock)]


class Crashed(BaseException):
    """The process ends."""


class TestAttaching:
    async def test_without_a_certificate_those_that_would_do_are_named(
        self, custom: Custom, domains: Domains
    ) -> None:
        changes = await wish(domains, NAME)

        assert changes.changes == ()
        assert changes.refusals[0].remedy == (
            "Choose one of cert-wild (*.example.com, example.com, ends 2027-05-31); "
            "cert-exact (images.example.com, ends 2026-12-31)."
        )

    async def test_a_domain_is_attached_and_waited_for_until_it_works(
        self,
        custom: Custom,
        domains: Domains,
        instance: Instance,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        changes = await wish(domains, NAME, certificate="cert-wild")
        assert [str(each) for each in changes.changes] == [f"create custom domain {NAME}"]
        assert any("ICP filing" in note for note in changes.notes)
        assert instance.domains == {}

        identity = await operator.agreed(changes, domains)
        words = await ended(domains, clock)

        assert words == [
            f"{NAME} is being attached (CREATING); that takes 1 to 2 minutes.",
            f"{NAME} works at the instance, with the certificate cert-wild.",
        ]
        assert (await wish(domains, NAME, certificate="cert-wild")).to_make == ()

        await operator.undone(identity, domains)

        assert await domains.read("custom domain", NAME) is None

    async def test_no_more_than_one_is_asked_for_in_a_second(
        self, custom: Custom, domains: Domains, operator: Agreeing, clock: FakeClock
    ) -> None:
        for name in ("a.example.com", "b.example.com"):
            await operator.agreed(await wish(domains, name, certificate="cert-wild"), domains)

        assert any(0.5 < pause <= 1.0 for pause in clock.slept)

    async def test_one_that_is_creating_for_long_has_a_certificate_problem(
        self,
        custom: Custom,
        domains: Domains,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        custom.looks = -1
        await operator.agreed(await wish(domains, NAME, certificate="cert-exact"), domains)

        seen = [each async for each in waited(domains, NAME, clock, within=600)]

        assert "mostly a problem of the certificate (cert-exact)" in seen[1].words
        assert not seen[-1].is_over
        assert seen[-1].waited >= 600

    async def test_one_that_fails_is_removed_before_it_is_tried_again(
        self, custom: Custom, domains: Domains, operator: Agreeing, clock: FakeClock
    ) -> None:
        custom.fails = {"cert-exact"}
        await operator.agreed(await wish(domains, NAME, certificate="cert-exact"), domains)

        words = await ended(domains, clock)
        again = await wish(domains, NAME, certificate="cert-exact")
        other = await wish(domains, NAME, certificate="cert-wild")

        assert "couldn't be attached (FAILURE)" in words[-1]
        assert "Remove it first" in again.refusals[0].remedy
        assert [each.does for each in other.changes] == [Does.CHANGE]

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
        self, identity: str, why: str, custom: Custom, domains: Domains, api: TencentApi
    ) -> None:
        changes = await wish(domains, NAME, certificate=identity)

        assert why in str(changes.refusals[0])
        assert "CreateInstanceCustomizedDomain" not in api.actions()

    async def test_who_may_not_see_certificates_may_name_one(
        self, custom: Custom, domains: Domains, api: TencentApi, operator: Agreeing
    ) -> None:
        api.denied = {"DescribeCertificates"}

        unchosen = await wish(domains, NAME)
        changes = await wish(domains, NAME, certificate="cert-wild")
        await operator.agreed(changes, domains)

        assert "Name the id of one yourself" in unchosen.refusals[0].remedy
        assert any("couldn't be asked for" in note for note in changes.notes)
        attachment = await domains.attachment(NAME)
        assert attachment.certificate == "cert-wild"

    @pytest.mark.parametrize("name", ["", "images", "10.0.0.1:5000", "a b.example.com"])
    async def test_what_is_no_domain_is_said(
        self, name: str, custom: Custom, domains: Domains
    ) -> None:
        with pytest.raises(errors.BadDomain):
            await wish(domains, name, certificate="cert-wild")


class TestReplacing:
    async def attached(
        self, custom: Custom, domains: Domains, operator: Agreeing, clock: FakeClock
    ) -> ChangeSet:
        await operator.agreed(await wish(domains, NAME, certificate="cert-exact"), domains)
        await ended(domains, clock)
        return await wish(domains, NAME, certificate="cert-wild")

    async def test_another_certificate_is_an_outage_that_is_said(
        self, custom: Custom, domains: Domains, operator: Agreeing, clock: FakeClock
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
        self, custom: Custom, domains: Domains, operator: Agreeing, clock: FakeClock
    ) -> None:
        changes = await self.attached(custom, domains, operator, clock)
        custom.refused = {"cert-wild"}

        with pytest.raises(
            errors.EngineRefused, match=r"DependenceError.*added again with its old"
        ):
            await operator.agreed(changes, domains)

        assert (await ended(domains, clock))[-1].endswith("with the certificate cert-exact.")

    async def test_where_neither_is_taken_it_is_said_that_pulls_fail(
        self, custom: Custom, domains: Domains, operator: Agreeing, clock: FakeClock
    ) -> None:
        changes = await self.attached(custom, domains, operator, clock)
        custom.refused = {"cert-wild", "cert-exact"}

        with pytest.raises(errors.EngineRefused) as refused:
            await operator.agreed(changes, domains)

        assert "pulls by it fail. Add it again at once" in refused.value.remedy

    async def test_one_that_ends_meanwhile_takes_nothing_away(
        self,
        custom: Custom,
        domains: Domains,
        instance: Instance,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        changes = await self.attached(custom, domains, operator, clock)
        custom.held[0].status = 10

        with pytest.raises(errors.CantBeDelegated, match="is revoked"):
            await operator.agreed(changes, domains)

        assert instance.domains == {NAME: "SUCCESS"}

    async def test_after_a_crash_in_between_it_is_wished_for_again(
        self,
        monkeypatch: pytest.MonkeyPatch,
        custom: Custom,
        domains: Domains,
        instance: Instance,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        changes = await self.attached(custom, domains, operator, clock)
        identity = operator.agree(changes)

        async def crash(*_: object) -> None:
            raise Crashed

        with monkeypatch.context() as patch:
            patch.setattr(domains, "_create", crash)
            with pytest.raises(Crashed):
                await operator.make(identity, domains)
        assert instance.domains == {}

        with pytest.raises(errors.ChangedMeanwhile):
            await operator.make(identity, domains)
        again = await wish(domains, NAME, certificate="cert-wild")

        assert [str(each) for each in again.changes] == [f"create custom domain {NAME}"]


class TestRemoving:
    async def test_a_domain_is_removed_and_put_back_by_undoing(
        self,
        custom: Custom,
        domains: Domains,
        instance: Instance,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        await operator.agreed(await wish(domains, NAME, certificate="cert-wild"), domains)
        await ended(domains, clock)

        changes = await wish(domains, NAME, remove=True)
        identity = await operator.agreed(changes, domains)

        assert "Move the name in DNS first" in changes.changes[0].warns[0]
        assert instance.domains == {NAME: "DELETING"}
        assert (await wish(domains, NAME, remove=True)).to_make == ()
        assert (await ended(domains, clock))[-1] == f"{NAME} isn't at the instance."
        await operator.undone(identity, domains)
        assert "works" in (await ended(domains, clock))[-1]

    async def test_what_is_not_there_can_not_be_removed(
        self, custom: Custom, domains: Domains
    ) -> None:
        changes = await wish(domains, NAME, remove=True)

        assert f"has no custom domain {NAME}" in str(changes.refusals[0])


class TestUploading:
    async def test_a_certificate_is_handed_over_with_its_key_and_used(
        self,
        files: Files,
        custom: Custom,
        domains: Domains,
        operator: Agreeing,
        clock: FakeClock,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(0)
        upload = read_upload(files.chain, files.key)
        engine = domains.with_upload(upload)

        changes = await wish(engine, NAME, upload=upload)
        identity = await operator.agreed(changes, engine)

        assert operator.made == [
            f"create certificate {upload.alias}",
            f"create custom domain {NAME}",
        ]
        assert "is handed the certificate" in changes.changes[0].warns[0]
        assert custom.held[-1].key == files.key.read_text()
        assert (await ended(domains, clock))[-1].endswith(f"certificate {custom.held[-1].id}.")
        assert (await wish(engine, NAME, upload=upload)).to_make == ()

        kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
        said = [repr(upload), repr(engine), repr(changes), caplog.text, *kept]
        assert kept
        assert not any(files.secret in each for each in said)

        await operator.undone(identity, domains)
        assert all(each.alias != upload.alias for each in custom.held)

    async def test_a_key_that_is_not_kept_is_asked_for_again(
        self, files: Files, custom: Custom, domains: Domains, operator: Agreeing
    ) -> None:
        upload = read_upload(files.chain, files.key)
        identity = operator.agree(await wish(domains, NAME, upload=upload))

        with pytest.raises(errors.CantBeDelegated, match="isn't kept"):
            await operator.make(identity, domains)

        await operator.make(identity, domains.with_upload(upload))
        assert operator.journal.read(identity).is_whole

    async def test_a_refusal_of_the_api_does_not_repeat_the_key(
        self, files: Files, custom: Custom, domains: Domains, api: TencentApi, operator: Agreeing
    ) -> None:
        upload = read_upload(files.chain, files.key)
        api.refuses = {"UploadCertificate": ["FailedOperation.CertificateInvalid"]}
        engine = domains.with_upload(upload)

        with pytest.raises(errors.CloudRefused) as refused:
            await operator.agreed(await wish(engine, NAME, upload=upload), engine)

        assert files.secret not in f"{refused.value} {refused.value.remedy}"

    def test_a_key_of_another_certificate_is_seen_before(self, files: Files) -> None:
        with pytest.raises(errors.BadFile, match="isn't that of the first certificate"):
            read_upload(files.chain, files.other_key)

    @pytest.mark.parametrize("swapped", [True, False])
    def test_files_that_are_something_else_are_said_without_what_is_in_them(
        self, swapped: bool, files: Files, tmp_path: Path
    ) -> None:
        nonsense = tmp_path / "nonsense.pem"
        nonsense.write_text("my password is hunter2")
        one, other = (files.key, files.chain) if swapped else (nonsense, files.key)

        with pytest.raises(errors.BadFile) as bad:
            read_upload(one, other)

        said = f"{bad.value} {bad.value.remedy}"
        assert "hunter2" not in said
        assert files.secret not in said
        with pytest.raises(errors.BadFile):
            read_upload(files.chain, nonsense)
        with pytest.raises(errors.BadFile, match="No such file"):
            read_upload(tmp_path / "nothing", nonsense)

    def test_a_certificate_without_those_above_it_is_noted(
        self, files: Files, tmp_path: Path
    ) -> None:
        end = "-----END CERTIFICATE-----\n"
        alone = tmp_path / "alone.pem"
        alone.write_text(files.chain.read_text().partition(end)[0] + end)

        assert read_upload(alone, files.key).alone
        assert not read_upload(files.chain, files.key).alone


class TestForACutover:
    async def test_what_is_known_of_a_domain_goes_into_json_and_back(
        self, custom: Custom, domains: Domains, operator: Agreeing, clock: FakeClock
    ) -> None:
        absent = await domains.attachment(NAME)
        await operator.agreed(await wish(domains, NAME, certificate="cert-exact"), domains)
        begun = await domains.attachment(NAME)
        await ended(domains, clock)
        works = await domains.attachment(NAME.upper())

        assert [each.state for each in (absent, begun, works)] == [
            Attached.ABSENT,
            Attached.BEGUN,
            Attached.WORKS,
        ]
        assert [each.severity for each in absent.says] == ["block"]
        assert "ICP filing" in absent.says[0].remedy
        assert [each.id for each in begun.says] == ["domain-being-attached"]
        assert works.says == ()
        assert works.expires == time_of("2027-01-01 07:59:59")
        for each in (absent, begun, works):
            assert msgspec.json.decode(msgspec.json.encode(each), type=Attachment) == each

    @pytest.mark.parametrize(
        ("ends", "names", "expected"),
        [
            ("2024-01-01 00:00:00", [NAME], [("attached-certificate-expired", "block")]),
            ("2026-10-01 00:00:00", [NAME], [("attached-certificate-ends-soon", "warn")]),
            ("2028-01-01 00:00:00", ["*.net"], [("attached-certificate-name", "block")]),
        ],
    )
    async def test_a_certificate_that_does_not_hold_is_a_finding(
        self,
        ends: str,
        names: list[str],
        expected: list[tuple[str, str]],
        custom: Custom,
        domains: Domains,
        instance: Instance,
    ) -> None:
        instance.domains = {NAME: "SUCCESS"}
        custom.certificates_of = {(instance.id, NAME): "cert-x"}
        custom.hold("cert-x", names, ends=ends)

        attachment = await domains.attachment(NAME)

        assert [(each.id, each.severity) for each in attachment.says] == expected

    def test_a_closed_endpoint_blocks_unless_a_vpc_is_linked(self) -> None:
        closed = Access("team", HOST, Public.CLOSED)
        linked = replace(closed, links=(Link("vpc-a", "s", Stage.WORKS),))
        empty = Access("team", HOST, Public.OPEN)
        opened = replace(empty, allowed=(Allowed("192.0.2.0/24"),))

        said = [access_says(each) for each in (closed, linked, empty, opened)]

        assert [[(s.id, s.severity) for s in each] for each in said] == [
            [("public-endpoint-closed", "block")],
            [("public-endpoint-closed", "warn")],
            [("allow-list-empty", "warn")],
            [],
        ]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("SUCCESS", Attached.WORKS),
        ("success", Attached.WORKS),
        ("FAILURE", Attached.FAILED),
        ("FAILED", Attached.FAILED),
        ("CREATING", Attached.BEGUN),
        ("PROCESSING", Attached.BEGUN),
        ("DELETING", Attached.GOING),
        ("BLUE", Attached.UNKNOWN),
        ("", Attached.UNKNOWN),
    ],
)
def test_each_status_is_told_in_words(said: str, state: Attached) -> None:
    domain = CustomDomain(NAME, "cert", said)

    assert domain.state is state
    assert NAME in domain_words(domain)


@given(st.integers())
def test_every_status_of_a_certificate_has_words(status: int) -> None:
    assert status_words(status)


LABEL = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)


@given(st.lists(LABEL, min_size=2, max_size=5))
def test_a_wildcard_stands_for_one_label_and_no_more(labels: list[str]) -> None:
    name, above = ".".join(labels), ".".join(labels[1:])
    wild = Certificate("c", "", (f"*.{above}",), None, 1)

    assert wild.covers(name)
    assert wild.covers(name.upper())
    assert not wild.covers(above)
    assert not wild.covers(f"x.{name}")
    assert not Certificate("c", "", (), None, 1).covers(name)


def test_uploads_of_one_certificate_have_one_name(files: Files) -> None:
    one, other = (read_upload(files.chain, files.key) for _ in range(2))

    assert isinstance(one, Upload)
    assert one.alias == other.alias
    assert set(one.certificate.names) == {NAME, "www.example.com"}
