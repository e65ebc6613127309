"""The words of Huawei Cloud SWR."""

from __future__ import annotations

from transship.registries.services.huawei import login_key
from transship.registries.services.sign_in_words.asking import Answers, Asks, Identity, Question

_EUROPE = "eu-west-101"
"""The region of Huawei Cloud EU, whose names end otherwise."""


def _joined(answers: Answers) -> str:
    region = answers["region"]
    return f"swr.{region}.myhuaweicloud.{'eu' if region == _EUROPE else 'com'}"


def _username(answers: Answers) -> str:
    user, region = answers.get("user", ""), answers.get("region", "")
    return user if "@" in user or not (user and region) else f"{region}@{user}"


def _login_key(answers: Answers) -> str:
    """Return the long-term login key, of the access key without its region."""
    return login_key(answers.get("user", "").rpartition("@")[2], answers.get("secret", ""))


ASKS = Asks(
    also="cloud",
    parts=(
        Question(
            "region",
            "Region",
            "the region that the repositories are in",
            "In the console of SWR at the top left; its code stands in the pull command of every "
            "image, after swr.",
            example="cn-north-4",
            shape=r"[a-z]{2}(-[a-z]+)+-\d+",
            is_what="a region's code, like cn-north-4",
        ),
    ),
    joined=_joined,
    name=r"swr\.(?P<region>[a-z0-9-]+)\.myhuaweicloud\.(com|eu)",
    identities=(
        Identity(
            "access-key",
            "access key and secret key",
            Question(
                "secret",
                "Secret key",
                "secret access key (SK)",
                "In the file credentials.csv that the access key came with. A login key is made "
                "of it; the secret key itself isn't kept.",
                secret=True,
            ),
            Question(
                "user",
                "Access key",
                "access key ID (AK)",
                "In the console: your name at the top right, My Credentials, Access Keys.",
                example="EXAMPLEACCESSKEY0000",
                shape=r"([a-z0-9-]+@)?[A-Z0-9]{10,}",
                is_what="an access key ID (capital letters and digits)",
            ),
            username=_username,
            password=_login_key,
        ),
        Identity(
            "login",
            "login command of the console",
            Question(
                "secret",
                "Login key",
                "what follows -p in the login command",
                "In the console of SWR: Generate Login Command. A temporary one lives 24 hours at "
                "most; a long-term one as long as its access key.",
                secret=True,
            ),
            Question(
                "user",
                "User",
                "what follows -u in the login command",
                "In the console of SWR: Dashboard, Generate Login Command. It is the region, @, "
                "and the access key.",
                example="cn-north-4@EXAMPLEACCESSKEY0000",
                shape=r"[a-z0-9-]+@\S+",
                is_what="REGION@ACCESS-KEY",
            ),
            known_by=r".+@.+",
        ),
    ),
)
