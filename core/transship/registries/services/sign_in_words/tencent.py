"""The words of Tencent's registries, and of the API of its cloud."""

from __future__ import annotations

from transship.registries.services.sign_in_words.asking import Answers, Asks, Identity, Question


def _joined(answers: Answers) -> str:
    return f"{answers['name']}.tencentcloudcr.com"


_UIN = Question(
    "user",
    "Account ID",
    "account ID (UIN)",
    "In the console: your account at the top right, Account Information. A sub-account has an ID "
    "of its own.",
    example="100000000001",
    shape=r"\d+",
    is_what="an account ID (digits)",
)

TCR = Asks(
    parts=(
        Question(
            "name",
            "Instance name",
            "the name of the instance",
            "In the console of TCR: Instances. The host is that name and .tencentcloudcr.com; type "
            "one of your own as the host.",
            example="example",
            shape=r"[a-z0-9][a-z0-9-]*",
            is_what="the name of an instance (small letters, digits and -)",
        ),
    ),
    joined=_joined,
    name=r"(?P<name>[a-z0-9-]+)\.tencentcloudcr\.com",
    identities=(
        Identity(
            "service-account",
            "service account",
            Question(
                "secret",
                "Password",
                "password of the service account",
                "Shown once, when the service account is made, or when its password is made anew.",
                secret=True,
            ),
            Question(
                "user",
                "Service acct.",
                "its whole name, tcr$ included",
                "In the console of TCR: the instance, Access credentials, Service accounts. It "
                "lives as set: best for a long run. In a shell use single quotes.",
                example="tcr$ci",
                shape=r"tcr\$.+",
                is_what="the name of a service account (it begins with tcr$)",
            ),
            known_by=r"tcr\$.+",
        ),
        Identity(
            "token",
            "access token of a user",
            Question(
                "secret",
                "Access token",
                "temporary or long-term access token",
                "In the console of TCR: the instance, Access credentials, User credentials. A "
                "temporary one lives one hour.",
                secret=True,
            ),
            _UIN,
        ),
    ),
)

CCR = Asks(
    host=Question(
        "host",
        "Host",
        "ccr.ccs.tencentyun.com, or a region's own",
        "In the console of TCR, personal edition: an image's pull command names the host.",
        example="hkccr.ccs.tencentyun.com",
        default="ccr.ccs.tencentyun.com",
    ),
    identities=(
        Identity(
            "password",
            "registry password",
            Question(
                "secret",
                "Password",
                "the registry's own password, not that of the console",
                "It was set when the personal edition was switched on; in its console: Reset "
                "password.",
                secret=True,
            ),
            _UIN,
        ),
    ),
)

API = Asks(
    host=Question(
        "host",
        "Host",
        "host of the API",
        "tcr.tencentcloudapi.com for an account of the site of China, "
        "tcr.intl.tencentcloudapi.com for one of the international site.",
        example="tcr.intl.tencentcloudapi.com",
        default="tcr.tencentcloudapi.com",
    ),
    identities=(
        Identity(
            "api-key",
            "API key",
            Question(
                "secret",
                "SecretKey",
                "the key's SecretKey",
                "Shown once, when the key is made.",
                secret=True,
            ),
            Question(
                "user",
                "SecretId",
                "the key's SecretId",
                "In the console: Cloud Access Management, Access Key, API keys. Best that of a "
                "sub-user that may only read TCR, and create there if a run shall.",
                example="AKID…",
                shape=r"[A-Za-z0-9]{10,}",
                is_what="a SecretId (letters and digits)",
            ),
        ),
    ),
)
