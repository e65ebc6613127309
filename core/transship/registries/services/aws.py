"""AWS's APIs through boto3 (the extra `aws`), imported only when it is used."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from transship import errors
from transship.extras import extra_missing
from transship.registries.creation_options import CreationOptions
from transship.text import counted, safe

_T = TypeVar("_T")

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
_KEYS = ("ExpiredTokenException", "InvalidSignatureException", "UnrecognizedClientException")
_MOST_TAGS = 50
_TAG_NAME = re.compile(r"(?!aws:)[\w .:/=+@-]{1,128}", re.IGNORECASE)
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")


async def answered(work: Callable[[], _T]) -> _T:
    """Return what boto3 answers, asked beside the loop.

    Raises its failures as errors of ours, and ExtraMissing.
    """
    try:
        from botocore import exceptions as failures
    except ImportError as error:
        raise extra_missing("aws", "the API of ECR") from error
    try:
        return await asyncio.to_thread(work)
    except failures.ClientError as error:
        said = error.response.get("Error", {})
        code, words = str(said.get("Code", "")), _words(str(said.get("Message", "")))
        detail = f"{error.operation_name}: {code} {words}".rstrip()
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _KEYS:
            raise errors.KeysRefused(detail) from None
        if code in _DENIED or status == HTTPStatus.FORBIDDEN:
            raise errors.NoRight(detail) from None
        if status == HTTPStatus.TOO_MANY_REQUESTS or "Throttl" in code:
            raise errors.RateLimited(detail) from None
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise errors.ServerFailed(detail) from None
        raise errors.UnexpectedAnswer(detail) from None
    except failures.NoCredentialsError:
        raise errors.SignInNeeded("boto3 finds no credentials for the API of ECR") from None
    except (failures.ConnectionError, failures.HTTPClientError) as error:
        raise errors.ConnectionLost(safe(str(error), limit=300)) from None
    except failures.BotoCoreError as error:
        raise errors.UnexpectedAnswer(safe(str(error), limit=300)) from None


def resource_tags(options: CreationOptions) -> list[dict[str, str]]:
    """Return the resource tags that are asked for, as AWS's APIs take them."""
    return [{"Key": name, "Value": value} for name, value in options.resource_tags]


def resource_tags_refusal(options: CreationOptions) -> str:
    """Return in words what AWS wouldn't take of the resource tags, or an empty string.

    See "Tag naming limits and requirements" in its guide to tagging.
    """
    if len(options.resource_tags) > _MOST_TAGS:
        return f"{counted(len(options.resource_tags), 'resource tag')}; AWS takes {_MOST_TAGS}"
    for name, value in options.resource_tags:
        if not _TAG_NAME.fullmatch(name) or not _TAG_VALUE.fullmatch(value):
            return f"AWS doesn't take the resource tag {name}={value}"
    return ""


def _words(message: str) -> str:
    """Return what an answer says in words: none if it is a page, as of a proxy on the way."""
    return "" if message.lstrip().startswith("<") else safe(message, limit=300)


def client(api: str, region: str, *, fips: bool = False) -> Any:
    """Return boto3's client of an API (`ecr`, `ecr-public`). Called beside the loop."""
    import boto3
    from botocore.config import Config

    config = Config(
        region_name=region,
        use_fips_endpoint=fips or None,
        connect_timeout=5,
        read_timeout=15,
        retries={"total_max_attempts": 2},
    )
    return boto3.session.Session().client(api, config=config)
