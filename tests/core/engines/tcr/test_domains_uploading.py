"""A certificate and its key are handed to the SSL service, and the key is kept nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from delegating.tencent import NAME, Agreeing, Files, ended
from fakes.clock import FakeClock
from servers.tencent import Call, Refused, TencentApi
from servers.tencent.domains import Custom
from transship import errors
from transship.engines.tcr.certificates import CertificateUpload, read_upload
from transship.engines.tcr.domains import DomainEngine, plan_domain


class TestUploading:
    async def test_a_certificate_is_handed_over_with_its_key_and_used(
        self,
        files: Files,
        custom: Custom,
        domains: DomainEngine,
        operator: Agreeing,
        clock: FakeClock,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(0)
        upload = read_upload(files.chain, files.key)
        engine = domains.with_upload(upload)

        changes = await plan_domain(engine, NAME, upload=upload)
        identity = await operator.agreed(changes, engine)

        assert operator.made == [
            f"create certificate {upload.alias}",
            f"create custom domain {NAME}",
        ]
        assert "is handed the certificate" in changes.changes[0].warns[0]
        assert custom.held[-1].key == files.key.read_text()
        assert (await ended(domains, clock))[-1].endswith(f"certificate {custom.held[-1].id}.")
        assert (await plan_domain(engine, NAME, upload=upload)).to_make == ()

        kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
        said = [repr(upload), repr(engine), repr(changes), caplog.text, *kept]
        assert kept
        assert not any(files.secret in each for each in said)

        await operator.undone(identity, domains)
        assert all(each.alias != upload.alias for each in custom.held)

    async def test_a_domain_with_such_a_certificate_is_removed_and_put_back(
        self,
        files: Files,
        custom: Custom,
        domains: DomainEngine,
        operator: Agreeing,
        clock: FakeClock,
    ) -> None:
        upload = read_upload(files.chain, files.key)
        engine = domains.with_upload(upload)
        await operator.agreed(await plan_domain(engine, NAME, upload=upload), engine)
        await ended(domains, clock)

        identity = await operator.agreed(await plan_domain(domains, NAME, remove=True), domains)
        assert await domains.read("custom domain", NAME) is None
        await operator.undone(identity, domains)

        assert "works" in (await ended(domains, clock))[-1]

    async def test_a_key_that_is_not_kept_is_asked_for_again(
        self, files: Files, custom: Custom, domains: DomainEngine, operator: Agreeing
    ) -> None:
        upload = read_upload(files.chain, files.key)
        identity = operator.agree(await plan_domain(domains, NAME, upload=upload))

        with pytest.raises(errors.CantBeDelegated, match="isn't kept"):
            await operator.make(identity, domains)

        await operator.make(identity, domains.with_upload(upload))
        assert operator.journal.read(identity).is_whole

    async def test_a_refusal_of_the_api_does_not_repeat_the_key(
        self,
        files: Files,
        custom: Custom,
        domains: DomainEngine,
        api: TencentApi,
        operator: Agreeing,
        tmp_path: Path,
    ) -> None:
        upload = read_upload(files.chain, files.key)
        api.refuses = {"UploadCertificate": ["FailedOperation.CertificateInvalid"]}
        engine = domains.with_upload(upload)

        with pytest.raises(errors.CloudRefused) as refused:
            await operator.agreed(await plan_domain(engine, NAME, upload=upload), engine)

        assert files.secret not in f"{refused.value} {refused.value.remedy}"

        def echo(call: Call) -> dict[str, Any]:
            raise Refused("InvalidParameter", f"What is {call.need('CertificatePrivateKey')}?")

        api._actions["UploadCertificate"] = echo
        with pytest.raises(errors.EngineRefused) as echoed:
            await operator.agreed(await plan_domain(engine, NAME, upload=upload), engine)

        assert files.secret not in f"{echoed.value} {echoed.value.remedy}"
        assert echoed.value.__cause__ is None
        kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
        assert not any(files.secret in each for each in kept)

    @pytest.mark.parametrize(
        ("status", "why"), [(2, "takes too long"), (3, "no role"), (4, "other resources")]
    )
    async def test_a_certificate_that_is_used_elsewhere_is_not_taken_away_by_undoing(
        self,
        status: int,
        why: str,
        files: Files,
        custom: Custom,
        domains: DomainEngine,
        operator: Agreeing,
    ) -> None:
        upload = read_upload(files.chain, files.key)
        engine = domains.with_upload(upload)
        identity = await operator.agreed(await plan_domain(engine, NAME, upload=upload), engine)
        custom.stays = status

        with pytest.raises(errors.EngineRefused, match=why):
            await operator.undone(identity, domains)

        assert any(each.alias == upload.alias for each in custom.held)

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

    def test_a_key_among_the_certificates_is_not_handed_over_with_them(
        self, files: Files, tmp_path: Path
    ) -> None:
        both = tmp_path / "both.pem"
        both.write_bytes(files.chain.read_bytes() + files.key.read_bytes())

        with pytest.raises(errors.BadFile, match="a private key is among the certificates"):
            read_upload(both, files.key)

    def test_a_certificate_without_those_above_it_is_noted(
        self, files: Files, tmp_path: Path
    ) -> None:
        end = "-----END CERTIFICATE-----\n"
        alone = tmp_path / "alone.pem"
        alone.write_text(files.chain.read_text().partition(end)[0] + end)

        assert read_upload(alone, files.key).alone
        assert not read_upload(files.chain, files.key).alone


def test_uploads_of_one_certificate_have_one_name(files: Files) -> None:
    one, other = (read_upload(files.chain, files.key) for _ in range(2))

    assert isinstance(one, CertificateUpload)
    assert one.alias == other.alias
    assert set(one.certificate.names) == {NAME, "www.example.com"}
