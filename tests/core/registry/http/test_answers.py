from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship import errors
from transship.errors import TransshipError
from transship.registry.http.answer import Answer, described, error_of, is_transient, number

NOW = 1_790_000_000.0
JSON = {"content-type": "application/json"}


def answer(
    status: int,
    body: object = b"",
    *,
    method: str = "GET",
    url: str = "https://registry.example/v2/team/web/manifests/1.0",
    **headers: str,
) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(method, url, status, {**JSON, **fields}, (), content)


def said(code: str, message: str | None = "", detail: object = None) -> dict[str, object]:
    return {"errors": [{"code": code, "message": message, "detail": detail}]}


WHILE_IT_IS_WRITTEN = {
    "errors": [
        {"code": "DIGEST_INVALID", "message": "provided digest did not match uploaded content"},
        {"code": "MANIFEST_BLOB_UNKNOWN", "message": "blob unknown to registry"},
    ]
}
NGINX_413 = (
    b"<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n"
    b"<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx/1.24.0</center>"
)
HARBOR_IMMUTABLE = said(
    "PRECONDITION", "Failed to process request due to 'web:1.0' configured as immutable."
)
HARBOR_QUOTA = said(
    "DENIED",
    "adding 8.3 MiB of storage resource, which when updated to current usage of 2.1 MiB will "
    "exceed the configured upper limit of 10.0 MiB.",
)
ECR_IMMUTABLE = said(
    "TAG_INVALID",
    "The image tag '1.0' already exists in the 'team/web' repository and cannot be overwritten "
    "because the tag is immutable.",
)
ECR_SUBJECT = said(
    "UNSUPPORTED", "Invalid parameter at 'ImageManifest' failed to satisfy constraint"
)
GAR_IMMUTABLE = said(
    "MANIFEST_INVALID", "cannot update tag 1.0. The repository has enabled tag immutability"
)
QUAY_QUOTA = said("DENIED", "Quota has been exceeded on namespace")
NEXUS_IMMUTABLE = said("UNKNOWN", "Repository does not allow updating assets: docker-hosted")
HUB_LIMIT = said(
    "TOOMANYREQUESTS",
    "You have reached your unauthenticated pull rate limit. "
    "https://www.docker.com/increase-rate-limit",
)
ACR_LIMIT = said("TOOMANYREQUESTS", "too many requests")
GHCR_DENIED = said(
    "DENIED", "permission_denied: The token provided does not match expected scopes."
)
GITLAB_DENIED = said("DENIED", "requested access to the resource is denied")
GOOGLE_LIMIT = said("UNKNOWN", "Quota exceeded for quota metric 'Requests per project per minute'")


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        (answer(404, said("NAME_UNKNOWN", "repository name not known")), errors.RepositoryNotFound),
        (answer(404, said("MANIFEST_UNKNOWN", "manifest unknown")), errors.ManifestNotFound),
        (answer(404, said("BLOB_UNKNOWN")), errors.BlobNotFound),
        (answer(404, said("NOT_FOUND", "artifact not found")), errors.ManifestNotFound),
        (answer(404, b"404 page not found\n"), errors.ManifestNotFound),
        (answer(401, said("UNAUTHORIZED", "authentication required")), errors.SignInNeeded),
        (answer(403, GHCR_DENIED), errors.NoRight),
        (answer(403, GITLAB_DENIED), errors.NoRight),
        (answer(403, b"<html>Forbidden</html>"), errors.NoRight),
        (
            answer(405, said("UNSUPPORTED", "The operation is unsupported.")),
            errors.UnexpectedAnswer,
        ),
        (answer(400, said("PAGINATION_NUMBER_INVALID")), errors.UnexpectedAnswer),
        (answer(402), errors.QuotaExceeded),
        (answer(408), errors.TimedOut),
        (answer(418), errors.UnexpectedAnswer),
        (answer(429, HUB_LIMIT), errors.RateLimited),
        (answer(429, ACR_LIMIT), errors.RateLimited),
        (answer(429, GOOGLE_LIMIT), errors.RateLimited),
        (answer(429, b"<html>Too Many Requests</html>"), errors.RateLimited),
        (answer(403, said("TOOMANYREQUESTS", "Rate exceeded")), errors.RateLimited),
        (answer(500, said("UNKNOWN")), errors.ServerFailed),
        (answer(502, b"<html>Bad Gateway</html>"), errors.ServerFailed),
        (answer(503), errors.ServerFailed),
        (answer(522), errors.ServerFailed),
        (answer(501), errors.UnexpectedAnswer),
    ],
)
def test_reading_fails_for_a_cause(failed: Answer, kind: type[TransshipError]) -> None:
    assert type(error_of(failed, NOW, missing=errors.ManifestNotFound)) is kind


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        (answer(412, HARBOR_IMMUTABLE), errors.ImmutableTag),
        (answer(400, ECR_IMMUTABLE), errors.ImmutableTag),
        (answer(400, GAR_IMMUTABLE), errors.ImmutableTag),
        (answer(400, NEXUS_IMMUTABLE), errors.ImmutableTag),
        (answer(400, said("TAG_ALREADY_EXISTS", "conflict")), errors.ImmutableTag),
        (answer(403, HARBOR_QUOTA), errors.QuotaExceeded),
        (answer(403, QUAY_QUOTA), errors.QuotaExceeded),
        (answer(507), errors.QuotaExceeded),
        (answer(413, NGINX_413), errors.TooLarge),
        (answer(405, said("UNSUPPORTED", "The operation is unsupported.")), errors.ReadOnly),
        (answer(405), errors.ReadOnly),
        (answer(405, ECR_SUBJECT), errors.ManifestRejected),
        (answer(415, said("UNSUPPORTED", "media type")), errors.ManifestRejected),
        (answer(400, said("MANIFEST_INVALID", "manifest invalid")), errors.ManifestRejected),
        (answer(400, said("TAG_INVALID")), errors.ManifestRejected),
        (answer(400, said("MANIFEST_BLOB_UNKNOWN")), errors.ManifestBlobUnknown),
        (answer(404, said("MANIFEST_BLOB_UNKNOWN")), errors.ManifestBlobUnknown),
        (answer(400, WHILE_IT_IS_WRITTEN), errors.ManifestBlobUnknown),
        (answer(404, said("NAME_UNKNOWN", "project team not found")), errors.RepositoryNotFound),
        (answer(400, said("NAME_INVALID")), errors.RepositoryNotFound),
        (answer(404, said("BLOB_UPLOAD_UNKNOWN")), errors.UploadLost),
        (answer(400, said("BLOB_UPLOAD_INVALID")), errors.UploadLost),
        (answer(400, said("SIZE_INVALID")), errors.UploadLost),
        (answer(400, said("DIGEST_INVALID")), errors.DigestMismatch),
        (answer(416), errors.UploadLost),
        (answer(429, said("UNKNOWN", "quota")), errors.RateLimited),
    ],
)
def test_writing_fails_for_a_cause(failed: Answer, kind: type[TransshipError]) -> None:
    put = Answer("PUT", failed.url, failed.status, failed.headers, (), failed.body)
    assert type(error_of(put, NOW)) is kind


def test_the_cause_is_told_in_the_words_of_the_registry() -> None:
    failed = answer(403, said("DENIED", "requested access\nis  denied"), method="PUT")
    assert error_of(failed, NOW).detail == (
        "PUT https://registry.example/v2/team/web/manifests/1.0: 403 requested access is denied"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (said("DENIED", None), "DENIED"),
        (
            {"errors": [{"status": 403, "message": "Not enough permissions"}]},
            "Not enough permissions",
        ),
        ({"details": "incorrect username or password"}, "incorrect username or password"),
        ({"error": "invalid_grant", "error_description": "expired"}, "expired"),
        ({"error": {"code": 3}, "message": "not now"}, "not now"),
        ({"error": {"code": 403, "message": "denied", "status": "NO"}}, "denied"),
        ({"errors": None, "message": "not now"}, "not now"),
        ({"errors": ["a", 3, None]}, ""),
        (["a"], ""),
        (b"<html>no words</html>", ""),
        (b"\xff\xfe", ""),
        (b"[" * 100_000, ""),
        (b'{"errors": [{"code": "\xff"}]}', ""),
    ],
)
def test_words_are_found_where_services_put_them(body: object, words: str) -> None:
    line = described(answer(400, body))
    assert line == f"GET https://registry.example/v2/team/web/manifests/1.0: 400 {words}".rstrip()


def test_plain_text_is_words_too() -> None:
    line = described(answer(404, b"404 page\r\nnot found\n", content_type="text/plain; charset=x"))
    assert line.endswith(": 404 404 page not found")


def test_a_long_story_is_cut() -> None:
    assert len(described(answer(400, said("UNKNOWN", "long " * 1000)))) < 400


def test_neither_the_query_nor_a_good_body_is_told() -> None:
    token = answer(
        200, {"token": "secret", "message": "secret"}, url="https://r.example/t?x=secret"
    )
    assert described(token) == "GET https://r.example/t: 200"
    assert "secret" not in repr(token)


@pytest.mark.parametrize("status", [429, 503, 500])
def test_the_pause_that_is_asked_for_goes_along(status: int) -> None:
    error = error_of(answer(status, retry_after="7"), NOW)
    assert isinstance(error, errors.RateLimited | errors.ServerFailed)
    assert error.retry_after == 7


def test_a_date_is_a_pause_too() -> None:
    error = error_of(answer(429, retry_after="Mon, 21 Sep 2026 14:14:10 GMT"), NOW)
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == 1_790_000_050 - NOW


def test_503_says_later_without_saying_when() -> None:
    failed = [error_of(answer(status), NOW) for status in (503, 500, 429)]
    assert [getattr(error, "retry_after", "") for error in failed] == [0.0, None, None]


def test_what_may_pass_is_told_from_what_will_not() -> None:
    transient = [s for s in range(100, 600) if is_transient(s)]
    assert {408, 429, 500, 502, 503, 504, 520} <= set(transient)
    assert not {200, 301, 400, 401, 403, 404, 413, 501, 505, 507, 511} & set(transient)


class Page(msgspec.Struct):
    tags: list[str] | None = None
    count: int = 0


def test_a_body_is_decoded() -> None:
    assert answer(200, {"tags": ["a"], "count": "3", "more": 1}).json(Page) == Page(["a"], 3)
    assert answer(200, {"tags": None}).json(Page) == Page()


@pytest.mark.parametrize(
    "body", [b"", b"<html>", {"tags": 3}, {"tags": [3]}, [], b'{"tags": ["\xff"]}', b"[" * 100_000]
)
def test_a_body_of_another_shape_is_unexpected(body: object) -> None:
    with pytest.raises(errors.UnexpectedAnswer, match=r"1\.0: 200"):
        answer(200, body).json(Page)


@given(st.integers(300, 599), st.binary(), st.sampled_from(["GET", "PUT"]))
def test_every_failure_has_a_cause(status: int, body: bytes, method: str) -> None:
    assert isinstance(error_of(answer(status, body, method=method), NOW), TransshipError)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("0", 0),
        ("1234", 1234),
        ("9" * 18, int("9" * 18)),
        ("", 0),
        ("-1", 0),
        ("1.5", 0),
        ("1\n", 0),
        ("\u0663", 0),
        ("9" * 5000, 0),
    ],
)
def test_a_field_that_holds_no_number_counts_as_nothing(field: str, value: int) -> None:
    assert number(field) == value
