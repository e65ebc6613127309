"""How a request to Alibaba Cloud is signed: the example of its documentation, and rules."""

from __future__ import annotations

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from transship.registry.credential import Credential
from transship.services.alibaba import AlibabaAction, sign_action

KEYS = Credential("YourAccessKeyId", "YourAccessKeySecret")
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


def test_the_example_of_the_documentation_is_signed_as_it_is_there() -> None:
    # "V3 request body and signature mechanism", with fixed parameters.
    action = AlibabaAction(
        "RunInstances",
        "2014-05-26",
        query={
            "RegionId": "cn-shanghai",
            "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
        },
    )

    fields = sign_action(
        action, "ecs.cn-shanghai.aliyuncs.com", KEYS, 1698315752, "3156853299f313e23d1673dc12e1703d"
    )

    assert fields["x-acs-date"] == "2023-10-26T10:22:32Z"
    assert fields["authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature="
        "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=5))
def test_a_query_says_what_was_meant_in_a_fixed_order(query: dict[str, str]) -> None:
    text = AlibabaAction("Name", "1", query=query).canonical_query

    assert dict(parse_qsl(text, keep_blank_values=True)) == query
    assert text == AlibabaAction("Name", "1", query=dict(reversed(query.items()))).canonical_query
    assert text.isascii()
    assert not set(text) & set(" +*/:")


@given(st.binary(max_size=50), st.sampled_from(["host", "path", "name", "version", "nonce", "at"]))
def test_nothing_of_a_request_can_be_changed_without_another_signature(
    content: bytes, changed: str
) -> None:
    parts = {"host": "a", "path": "/a", "name": "A", "version": "1", "nonce": "n", "at": "0"}

    def signature(said: dict[str, str]) -> str:
        action = AlibabaAction(said["name"], said["version"], "PUT", said["path"], content=content)
        fields = sign_action(action, said["host"], KEYS, float(said["at"]), said["nonce"])
        return fields["authorization"]

    other = "1" if changed == "at" else "/other"
    assert signature(parts) != signature({**parts, changed: other})
    assert signature(parts) == signature(dict(parts))
    assert KEYS.secret not in signature(parts)
