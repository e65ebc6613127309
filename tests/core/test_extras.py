"""What an operator is told to type when a part of Transship isn't installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from transship.extras import extra_missing, install_command, requirements_of


@pytest.mark.parametrize(
    ("extra", "package"),
    [
        ("aws", "boto3"),
        ("azure", "azure-identity"),
        ("google", "google-auth"),
        ("tencent", "tencentcloud-sdk-python-tcr"),
    ],
)
def test_an_extra_is_what_the_package_says_that_it_needs(extra: str, package: str) -> None:
    assert any(needed.startswith(package) for needed in requirements_of(extra))
    assert not any(";" in needed for needed in requirements_of(extra))


@pytest.mark.parametrize(
    ("left_behind", "command"),
    [
        ("pipx_metadata.json", "pipx inject transship 'boto3>=1.34'"),
        ("uv-receipt.toml", "uv pip install --python {prefix} 'boto3>=1.34'"),
        ("pyvenv.cfg", f"{sys.executable} -m pip install 'boto3>=1.34'"),
    ],
)
def test_it_is_added_with_what_made_the_environment(
    left_behind: str, command: str, tmp_path: Path
) -> None:
    prefix = tmp_path / "transship"
    prefix.mkdir()
    (prefix / left_behind).touch()

    assert install_command("aws", prefix) == command.format(prefix=prefix)


def test_who_lacks_one_is_told_its_name_and_the_command() -> None:
    error = extra_missing("aws", "the API of ECR")

    assert error.detail == "the API of ECR needs transship[aws]"
    assert f"`{install_command('aws', Path(sys.prefix))}`" in error.remedy
