"""What is signed is what the SDK's own client signs, and what the stand-in checks by itself."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from tencentcloud.common.abstract_client_async import AbstractClient
from tencentcloud.common.sign import Sign

from servers.tencent.signature import fault
from transship.registry.credential import Credential
from transship.services.tencent_cloud import SignedCall, signed

HOST = "tcr.tencentcloudapi.com"
KEYS = Credential("AKIDexample", "a SecretKey")
NOW = 1_790_000_000.4
ASKED = SignedCall("tcr", "2019-09-24", "DescribeRegions", "ap-guangzhou", b"{}")


@given(content=st.binary(max_size=200), now=st.floats(0, 4_000_000_000), secret=st.text(min_size=1))
def test_the_sdk_signs_the_same(content: bytes, now: float, secret: str) -> None:
    asked = SignedCall("tcr", "2019-09-24", "DescribeRegions", "ap-guangzhou", content)

    request = signed(asked, HOST, Credential("AKIDexample", secret), now, Sign.sign_tc3)

    authorization = request.headers["authorization"]
    headers = {
        "Content-Type": request.headers["content-type"],
        "Host": request.headers["host"],
        "X-TC-Timestamp": request.headers["x-tc-timestamp"],
    }
    date = authorization.partition("AKIDexample/")[2][:10]
    by_sdk = AbstractClient._get_tc3_signature(
        "POST", "/", "", content, headers, date, "tcr", secret, {}
    )
    assert authorization.endswith(f"Signature={by_sdk}")


def test_the_request_says_what_is_asked_and_not_the_secret() -> None:
    request = signed(ASKED, HOST, KEYS, NOW, Sign.sign_tc3)

    assert (request.method, request.path, request.content) == ("POST", "/", b"{}")
    assert request.headers["x-tc-action"] == "DescribeRegions"
    assert request.headers["x-tc-region"] == "ap-guangzhou"
    assert request.headers["x-tc-timestamp"] == "1790000000"
    assert KEYS.secret not in str(dict(request.headers))
    assert "Signature" not in repr(request)


def test_the_stand_in_takes_it_and_nothing_else() -> None:
    request = signed(ASKED, HOST, KEYS, NOW, Sign.sign_tc3)
    known = {KEYS.username: KEYS.secret}

    def judged(body: bytes = b"{}", service: str = "tcr", now: float = NOW, **others: str) -> str:
        keys = others.pop("secret", KEYS.secret)
        headers = {**request.headers, **others}
        return fault(headers, body, {KEYS.username: keys}, service, now)[0]

    assert fault(request.headers, b"{}", known, "tcr", NOW) == ("", "")
    assert judged(body=b"{ }") == "AuthFailure.SignatureFailure"
    assert judged(service="ssl") == "AuthFailure.SignatureFailure"
    assert judged(host="elsewhere.example") == "AuthFailure.SignatureFailure"
    assert judged(secret="another") == "AuthFailure.SignatureFailure"
    assert judged(now=NOW + 301) == "AuthFailure.SignatureExpire"
    assert judged(authorization="Basic x") == "AuthFailure.InvalidAuthorization"
    assert fault(request.headers, b"{}", {}, "tcr", NOW)[0] == "AuthFailure.SecretIdNotFound"
    assert hashlib.sha256(b"{}").hexdigest() not in request.headers["authorization"]
