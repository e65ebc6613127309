"""The words of Google Artifact Registry."""

from __future__ import annotations

from transship.registries.services.sign_in_words.asking import (
    Answers,
    Asks,
    Identity,
    Question,
    always,
)


def _key(answers: Answers) -> str:
    return answers.get("key-file", "")


def _joined(answers: Answers) -> str:
    return f"{answers['location']}-docker.pkg.dev"


_IDENTITIES = (
    Identity(
        "key-file",
        "service account's key file",
        Question(
            "key-file",
            "Key file",
            "path of the key's JSON file",
            "In the Google Cloud console: IAM & Admin, Service accounts, the account, Keys. "
            "The file is read, and what it says goes where secrets are kept.",
            example="~/key.json",
            shape=r"(?s)\s*\{.*\"private_key\".*\}\s*",
            is_what="the key of a service account in JSON",
            secret=True,
            from_file=True,
        ),
        username=always("_json_key"),
        password=_key,
        known_by="_json_key",
    ),
    Identity(
        "access-token",
        "access token",
        Question(
            "secret",
            "Access token",
            "of `gcloud auth print-access-token`",
            "`gcloud auth print-access-token` prints it. It lives one hour: too short for a "
            "long run.",
            example="ya29.…",
            secret=True,
        ),
        username=always("oauth2accesstoken"),
        known_by="oauth2accesstoken",
    ),
)

GAR = Asks(
    also="gcp",
    parts=(
        Question(
            "location",
            "Location",
            "region or multi-region of the repositories",
            "In the Google Cloud console: Artifact Registry, Repositories, the column Location.",
            example="europe-west3",
            shape=r"[a-z0-9-]+",
            is_what="a location, like europe-west3 or europe",
        ),
    ),
    joined=_joined,
    name=r"(?P<location>[a-z0-9-]+)-docker\.pkg\.dev",
    identities=_IDENTITIES,
    handed_out="by the Google sign-in of this machine",
)

GCR = Asks(
    also="gcp container registry",
    host=Question(
        "host",
        "Host",
        "gcr.io, or that of a continent",
        "The first part of the images' names.",
        example="eu.gcr.io",
        default="gcr.io",
    ),
    identities=_IDENTITIES,
)
