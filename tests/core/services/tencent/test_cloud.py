"""Any action, asked as the account: signed, paced, tried again where that is right, and explained.

`servers.tencent` stands in for the cloud.
"""

from __future__ import annotations

import subprocess
import sys
import traceback
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from servers.tencent import tencent_api
from servers.tencent.api import SECRET_ID, SECRET_KEY
from transship import errors
from transship.errors import TransshipError
from transship.registry.credential import Credential, Tls
from transship.registry.http.endpoint import CloudApi
from transship.registry.http.exchange_log import Recorder
from transship.registry.service import ApiKeys
from transship.services import tencent_cloud as module
from transship.services.tencent_cloud import SSL, TCR, TencentCloud, converted, host_for, region_of

if TYPE_CHECKING:
    from fakes.clock import FakeClock
    from servers.certificates import Certificates
    from servers.tencent import TencentApi


class Regions(msgspec.Struct, rename="pascal"):
    total_count: int = 0
    regions: list[dict[str, Any]] = []


async def test_an_action_is_signed_and_answered(api: TencentApi, cloud: TencentCloud) -> None:
    found = await cloud.call("DescribeRegions", Regions)

    assert found.total_count == 1
    assert found.regions[0]["RegionName"] == "ap-guangzhou"
    assert [(call.action, call.region) for call in api.asked] == [
        ("DescribeRegions", "ap-guangzhou")
    ]


async def test_the_same_keys_open_another_product(clock: FakeClock) -> None:
    found = {"TotalCount": 1, "Certificates": [{"CertificateId": "cert-1"}]}
    with tencent_api({"DescribeCertificates": lambda _: found}) as api:
        api.now = clock.now
        host = host_for(SSL, api.host)
        cloud = CloudApi(ApiKeys(host, Credential(SECRET_ID, SECRET_KEY), Tls()), clock)
        answer = await TencentCloud(cloud.ask, host, SSL).document("DescribeCertificates")
        await cloud.aclose()

    assert answer["Certificates"] == [{"CertificateId": "cert-1"}]


async def test_the_region_is_where_it_is_asked(api: TencentApi, cloud: TencentCloud) -> None:
    await cloud.document("DescribeInstances", {"Limit": 1}, region="eu-frankfurt")

    assert api.asked[0].region == "eu-frankfurt"


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("DescribeRegion", {}),
        ("DescribeInstances", {"RegistryId": "tcr-1"}),
        ("DescribeInstances", {"Filters": [{"Name": "a", "Value": "b"}]}),
        ("DescribeRegions", {"Limit": 1}),
    ],
)
async def test_what_the_sdk_does_not_know_is_not_sent(
    action: str, fields: dict[str, object], api: TencentApi, cloud: TencentCloud
) -> None:
    unknown = r"knows no action|has no field (RegistryId|Filters\.Value|Limit)$"
    with pytest.raises(ValueError, match=unknown):
        await cloud.document(action, fields)

    assert api.asked == []


@pytest.mark.parametrize(
    ("credential", "code"),
    [
        (Credential("AKIDexampleexample", "another SecretKey"), "SignatureFailure"),
        (Credential("AKIDunknown", "a SecretKey of the tests"), "SecretIdNotFound"),
    ],
)
async def test_wrong_keys_are_said_and_not_shown(
    credential: Credential, code: str, api: TencentApi, clock: FakeClock
) -> None:
    cloud = CloudApi(ApiKeys(api.host, credential, Tls()), clock)
    with pytest.raises(errors.WrongCredential, match=code) as refused:
        await TencentCloud(cloud.ask, api.host).document("DescribeRegions")
    await cloud.aclose()

    shown = "".join(traceback.format_exception(refused.value))
    assert credential.secret not in shown + repr(refused.value) + refused.value.remedy
    assert api.codes == [f"AuthFailure.{code}"], "and it is shown once"


async def test_a_clock_that_goes_wrong_is_the_reason(
    api: TencentApi, cloud: TencentCloud, clock: FakeClock
) -> None:
    api.now = lambda: clock.now() + 400

    with pytest.raises(errors.WrongCredential, match="SignatureExpire") as refused:
        await cloud.document("DescribeRegions")

    assert "clock" in refused.value.remedy


async def test_who_may_not_is_told(api: TencentApi, cloud: TencentCloud) -> None:
    api.denied = {"DescribeInstances"}

    with pytest.raises(errors.NoRight, match="tcr:DescribeInstances"):
        await cloud.document("DescribeInstances")


async def test_too_many_requests_are_waited_for_also_by_what_writes(
    api: TencentApi, cloud: TencentCloud, clock: FakeClock
) -> None:
    api.refuses = {"CreateNamespacePersonal": ["RequestLimitExceeded"] * 2 + ["InvalidParameter"]}

    with pytest.raises(errors.CloudRefused, match="InvalidParameter") as refused:
        await cloud.document("CreateNamespacePersonal", {"Namespace": "team"})

    assert isinstance(refused.value, errors.CloudRefused)
    assert refused.value.code == "InvalidParameter"
    assert len(api.asked) == 3
    assert sum(clock.slept) > 0


@pytest.mark.parametrize(
    ("action", "asked"), [("DescribeRegions", 2), ("CreateNamespacePersonal", 1)]
)
async def test_what_may_have_been_done_is_not_done_again(
    action: str, asked: int, api: TencentApi, cloud: TencentCloud
) -> None:
    api.refuses = {action: ["InternalError"]}
    fields = {} if action == "DescribeRegions" else {"Namespace": "team"}

    failed = False
    try:
        await cloud.document(action, fields)
    except errors.ServerFailed:
        failed = True

    assert len(api.asked) == asked
    assert failed == (asked == 1)


@pytest.mark.parametrize(
    ("action", "rate"),
    [("DescribeImageManifests", 10), ("DescribeRegions", 20), ("DescribeInstances", 100)],
)
async def test_an_action_is_asked_no_faster_than_the_cloud_allows(
    action: str, rate: int, api: TencentApi, cloud: TencentCloud, clock: FakeClock
) -> None:
    api.denied = {"DescribeImageManifests"}
    for _ in range(5):
        try:
            await cloud.document(action)
        except errors.NoRight:
            continue

    assert clock.slept == pytest.approx([1 / rate] * 4)


async def test_each_action_has_a_pace_of_its_own(cloud: TencentCloud, clock: FakeClock) -> None:
    await cloud.document("DescribeRegions")
    await cloud.document("DescribeInstances")

    assert clock.slept == []


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ((200, {"Content-Type": "text/html"}, b"<html>"), errors.UnexpectedAnswer),
        ((200, {}, b'{"Response": {"TotalCount": "many"}}'), errors.UnexpectedAnswer),
        ((200, {}, b'{"Response": []}'), errors.UnexpectedAnswer),
        ((404, {}, b""), errors.UnexpectedAnswer),
        ((307, {"Location": "https://elsewhere.example/"}, b""), errors.RedirectRefused),
    ],
)
async def test_what_answers_otherwise_is_not_believed(
    raw: tuple[int, dict[str, str], bytes],
    kind: type[TransshipError],
    api: TencentApi,
    cloud: TencentCloud,
) -> None:
    api.raw = [raw]

    with pytest.raises(kind):
        await cloud.call("DescribeRegions", Regions)


async def test_what_is_new_at_the_cloud_does_no_harm(api: TencentApi, cloud: TencentCloud) -> None:
    body = b'{"Response": {"TotalCount": "7", "Regions": null, "Later": {}, "RequestId": "1"}}'
    api.raw = [(200, {"Content-Type": "application/json"}, body)]

    found = await cloud.call("DescribeRegions", Regions)

    assert (found.total_count, found.regions) == (7, [])


async def test_nobody_there_is_an_error_of_the_network(clock: FakeClock) -> None:
    keys = ApiKeys("127.0.0.1:9", Credential("AKIDx", "secret"), Tls())
    cloud = CloudApi(keys, clock)

    with pytest.raises(errors.ConnectionRefused):
        await TencentCloud(cloud.ask, keys.host).document("DescribeRegions")
    await cloud.aclose()


async def test_tls_is_verified_unless_told_otherwise(
    certificates: Certificates, clock: FakeClock
) -> None:
    async def asked(tls: Tls) -> None:
        cloud = CloudApi(ApiKeys(api.host, Credential(SECRET_ID, SECRET_KEY), tls), clock)
        try:
            await TencentCloud(cloud.ask, api.host).document("DescribeRegions")
        finally:
            await cloud.aclose()

    with tencent_api(tls=certificates) as api:
        api.now = clock.now
        with pytest.raises(errors.CertificateNotTrusted):
            await asked(Tls())
        assert api.asked == []
        await asked(Tls(ca_file=str(certificates.ca_file)))
        await asked(Tls(insecure=True))
        assert len(api.asked) == 2


async def test_what_is_recorded_names_the_action_and_no_secret(
    api: TencentApi, keys: ApiKeys, clock: FakeClock
) -> None:
    recorder = Recorder(clock)
    cloud = CloudApi(keys, clock, recorder)
    await TencentCloud(cloud.ask, keys.host).document("DescribeRegions")
    await cloud.aclose()

    kept = recorder.exchanges()[-1]
    assert ("x-tc-action", "DescribeRegions") in kept.request
    assert keys.credential.username not in str(kept)
    assert "Signature=" not in str(kept)


async def test_without_the_extra_it_is_named(
    monkeypatch: pytest.MonkeyPatch, cloud: TencentCloud
) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    module._sdk.cache_clear()
    monkeypatch.setattr(module.importlib, "import_module", absent)

    with pytest.raises(errors.ExtraMissing, match=r"transship\[tencent\]"):
        await cloud.document("DescribeRegions")


def test_nothing_of_the_sdk_is_imported_before_it_is_asked() -> None:
    code = (
        "import sys, transship.registry.access, transship.accounts.sign_in\n"
        "sys.exit(any(name.startswith('tencentcloud') for name in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("host", "region", "ssl"),
    [
        ("tcr.tencentcloudapi.com", "ap-guangzhou", "ssl.tencentcloudapi.com"),
        ("tcr.intl.tencentcloudapi.com", "ap-singapore", "ssl.intl.tencentcloudapi.com"),
        (
            "tcr.ap-shanghai.tencentcloudapi.com",
            "ap-shanghai",
            "ssl.ap-shanghai.tencentcloudapi.com",
        ),
        ("tcr.ap-shanghai-fsi.tencentcloudapi.com", "ap-shanghai-fsi", None),
        ("127.0.0.1:5000", "ap-guangzhou", "127.0.0.1:5000"),
    ],
)
def test_a_host_says_its_region_and_where_other_products_are(
    host: str, region: str, ssl: str | None
) -> None:
    assert region_of(host) == region
    assert host_for(TCR, host) == host
    if ssl is not None:
        assert host_for(SSL, host) == ssl


def test_a_part_that_is_not_as_promised_is_named() -> None:
    with pytest.raises(errors.UnexpectedAnswer, match=r"DescribeRegions: .*TotalCount"):
        converted("DescribeRegions", {"TotalCount": {}}, Regions)
