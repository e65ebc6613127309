"""The words of Alibaba Cloud's registries, and of the API of its cloud."""

from __future__ import annotations

from transship.registries.services.sign_in_words.asking import Answers, Asks, Identity, Question

_REGION = Question(
    "region",
    "Region",
    "the region that the registry is in",
    "In the console of Container Registry at the top left; its code stands in every image's "
    "address.",
    example="cn-hangzhou",
    shape=r"[a-z]{2}(-[a-z]+)+(-\d)?",
    is_what="a region's code, like cn-hangzhou",
)


def _joined(answers: Answers) -> str:
    instance, region = answers.get("instance", ""), answers["region"]
    if instance:
        return f"{instance}-registry.{region}.cr.aliyuncs.com"
    return f"registry.{region}.aliyuncs.com"


def _api_joined(answers: Answers) -> str:
    return f"cr.{answers['region']}.aliyuncs.com"


REGISTRY = Asks(
    also="aliyun",
    parts=(
        _REGION,
        Question(
            "instance",
            "Instance name",
            "of an enterprise instance; none for the personal one",
            "In the console of Container Registry: Instances. If the console shows another "
            "address, type that as the host.",
            example="example",
            shape=r"[a-z0-9][a-z0-9-]*",
            is_what="the name of an instance (small letters, digits and -)",
            optional=True,
        ),
    ),
    joined=_joined,
    name=(r"((?P<instance>[a-z0-9-]+)-)?registry\.(?P<region>[a-z0-9-]+)(\.cr)?\.aliyuncs\.com"),
    identities=(
        Identity(
            "password",
            "registry password",
            Question(
                "secret",
                "Password",
                "the registry's own password, not that of the console",
                "In the console of Container Registry: the instance, Access Credential, Set "
                "Password. It lives until it is changed.",
                secret=True,
            ),
            Question(
                "user",
                "Account",
                "full name of the account, or of the RAM user",
                "In the console of Container Registry: the instance, Access Credential; its "
                "`docker login` names it.",
                example="ci@example",
            ),
        ),
        Identity(
            "temporary",
            "temporary token",
            Question(
                "secret",
                "Token",
                "temporary token",
                "From the same page, or the API's GetAuthorizationToken. It lives one hour: too "
                "short for a long run.",
                secret=True,
            ),
            Question(
                "user",
                "User",
                "the temporary token's user",
                "In the console of Container Registry: the instance, Access Credential, Temporary "
                "Token.",
                example="cr_temp_user",
            ),
            known_by=r"cr_temp_user",
        ),
    ),
)

API = Asks(
    also="aliyun",
    parts=(_REGION,),
    joined=_api_joined,
    name=r"cr\.(?P<region>[a-z0-9-]+)\.aliyuncs\.com",
    identities=(
        Identity(
            "access-key",
            "AccessKey pair",
            Question(
                "secret",
                "Key secret",
                "AccessKey secret",
                "Shown once, when the AccessKey is made.",
                secret=True,
            ),
            Question(
                "user",
                "AccessKey ID",
                "AccessKey ID",
                "In the console of RAM: Users, the user, AccessKey. Best a user that may only "
                "read Container Registry, and create there if a run shall.",
                example="LTAI…",
                shape=r"[A-Za-z0-9]{10,}",
                is_what="an AccessKey ID (letters and digits)",
            ),
        ),
    ),
)
