"""The words of Amazon ECR."""

from __future__ import annotations

from transship.registries.services.sign_in_words.asking import (
    Answers,
    Asks,
    Identity,
    Question,
    always,
)


def _joined(answers: Answers) -> str:
    region = answers["region"]
    china = ".cn" if region.startswith("cn-") else ""
    return f"{answers['account']}.dkr.ecr.{region}.amazonaws.com{china}"


PRIVATE = Asks(
    also="aws",
    parts=(
        Question(
            "account",
            "Account ID",
            "the AWS account that the registry belongs to",
            "In the AWS console in the menu under your name at the top right; or `aws sts "
            "get-caller-identity`.",
            example="123456789012",
            shape=r"\d{12}",
            is_what="12 digits",
        ),
        Question(
            "region",
            "Region",
            "the region that the registry is in",
            "In the AWS console at the top right, next to your name. Every region has a registry "
            "of its own.",
            example="eu-west-1",
            shape=r"[a-z]{2}(-[a-z]+)+-\d",
            is_what="a region's code, like eu-west-1",
        ),
    ),
    joined=_joined,
    name=r"(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?",
    identities=(
        Identity(
            "password",
            "password of the AWS CLI",
            Question(
                "secret",
                "Password",
                "of `aws ecr get-login-password`",
                "`aws ecr get-login-password --region REGION` prints it. It ends after 12 hours; "
                "by a profile of this machine none has to be typed.",
                secret=True,
            ),
            username=always("AWS"),
        ),
    ),
    handed_out="by the AWS profile of this machine",
    lasting=False,
)

PUBLIC = Asks(
    also="aws gallery",
    at="public.ecr.aws",
    identities=(
        Identity(
            "password",
            "password of the AWS CLI",
            Question(
                "secret",
                "Password",
                "of `aws ecr-public get-login-password`",
                "`aws ecr-public get-login-password --region us-east-1` prints it. It ends after "
                "12 hours. To pull, none is needed: sign in as nobody.",
                secret=True,
            ),
            username=always("AWS"),
        ),
    ),
)
