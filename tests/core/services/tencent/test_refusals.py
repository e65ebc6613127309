"""Each code of the API is one of our causes, in words that can't harm."""

from __future__ import annotations

import pytest
from tencentcloud.tcr.v20190924 import errorcodes

from transship import errors
from transship.errors import TransshipError
from transship.registry.http.answer import Answer
from transship.services.tencent_cloud import failure_of, refusal


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AuthFailure.SignatureFailure", errors.WrongCredential),
        ("AuthFailure.SecretIdNotFound", errors.WrongCredential),
        ("AuthFailure.SignatureExpire", errors.WrongCredential),
        ("AuthFailure", errors.WrongCredential),
        ("AuthFailure.UnauthorizedOperation", errors.NoRight),
        ("UnauthorizedOperation", errors.NoRight),
        ("UnauthorizedOperation.CamNoAuth", errors.NoRight),
        ("FailedOperation.ErrorTcrUnauthorized", errors.NoRight),
        ("RequestLimitExceeded", errors.RateLimited),
        ("RequestLimitExceeded.UinLimitExceeded", errors.RateLimited),
        ("LimitExceeded.ErrNamespaceMaxLimit", errors.QuotaExceeded),
        ("OperationDenied.QuotaOverLimit", errors.QuotaExceeded),
        ("OperationDenied", errors.CloudRefused),
        ("ResourceNotFound", errors.CloudLacks),
        ("ResourceNotFound.TcrResourceNotFound", errors.CloudLacks),
        ("InvalidParameter.ErrNamespaceExist", errors.CloudHasIt),
        ("InvalidParameter.ReplicationExists", errors.CloudHasIt),
        ("FailedOperation.ErrorTcrResourceConflict", errors.CloudHasIt),
        ("InvalidParameter", errors.CloudRefused),
        ("InvalidParameterValue.Another", errors.CloudRefused),
        ("UnsupportedOperation", errors.CloudRefused),
        ("InternalError", errors.ServerFailed),
        ("InternalError.DbError", errors.ServerFailed),
        ("InternalError.ErrUnauthorized", errors.NoRight),
        ("", errors.CloudRefused),
    ],
)
def test_a_code_is_a_cause(code: str, kind: type[TransshipError]) -> None:
    error = refusal("DescribeInstances", code, "the cloud's words", "1-2-3")

    assert type(error) is kind
    assert error.detail == f"DescribeInstances: {code} the cloud's words (request 1-2-3)"
    if isinstance(error, errors.CloudRefused):
        assert error.code == code


def test_no_code_of_the_sdk_is_an_accident() -> None:
    codes = [value for name, value in vars(errorcodes).items() if name.isupper()]
    assert len(codes) > 50

    for code in codes:
        error = refusal("CreateNamespace", code, "words")
        if "unauthorized" in code.lower():
            assert isinstance(error, errors.NoRight), code
        if "limit" in code.lower() and "Tag" not in code:
            assert isinstance(error, errors.QuotaExceeded), code
        if "exist" in code.lower() and "not" not in code.lower():
            assert isinstance(error, errors.CloudHasIt), code


def test_a_clock_that_goes_wrong_is_named() -> None:
    error = refusal("DescribeRegions", "AuthFailure.SignatureExpire", "expired")

    assert "clock" in error.remedy


def test_what_the_cloud_says_can_not_steer_the_terminal() -> None:
    error = refusal("DescribeRegions", "Bad\x1b[2J", "no\u202e" + "x" * 5000, "\x07")

    assert "\x1b" not in str(error)
    assert "\u202e" not in str(error)
    assert len(str(error)) < 1500


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b'{"Response": {"RequestId": "1"}}', None),
        (200, b'{"Response": {"Error": null}}', None),
        (200, b'{"Response": {"Error": {"Code": "ResourceNotFound"}}}', errors.CloudLacks),
        (429, b"", errors.RateLimited),
        (503, b"<html>", errors.ServerFailed),
        (302, b"", errors.RedirectRefused),
        (404, b"", errors.UnexpectedAnswer),
    ],
)
def test_an_answer_is_judged_by_what_is_in_it(
    status: int, body: bytes, kind: type[TransshipError] | None
) -> None:
    answer = Answer("POST", "https://tcr.example/", status, {}, (), body)

    failure = failure_of("DescribeRegions", answer)

    assert failure is None if kind is None else type(failure) is kind


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"Response": 1}', b"{}"])
def test_what_is_no_answer_of_the_api_is_said(body: bytes) -> None:
    with pytest.raises(errors.UnexpectedAnswer):
        failure_of("DescribeRegions", Answer("POST", "https://tcr.example/", 200, {}, (), body))
