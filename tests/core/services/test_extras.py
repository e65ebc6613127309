"""What only some services need is an extra: nobody misses it who doesn't use it, and it is named.

Each program runs where the modules of all extras can't be found.
"""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import transship
import transship_tui

EXTRAS = {
    "aws": ("boto3", "botocore"),
    "azure": ("azure", "msal"),
    "google": ("google", "requests"),
    "tencent": ("tencentcloud",),
}
MODULES = sorted(
    found.name
    for package in (transship, transship_tui)
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not found.name.endswith("__main__")
)
_WITHOUT = f"""
import sys
sys.modules.update(dict.fromkeys({[name for names in EXTRAS.values() for name in names]!r}))
"""
_LOGIN = """
import asyncio
from transship.errors import ExtraMissing
from transship.registry.access import Access, open_distribution
from transship.registry.credential import Credential

async def main(host):
    keys = Access("tcr.tencentcloudapi.com", credential=Credential("AKIDexample", "secret"))
    registry = open_distribution(Access(host, handed_out=True, api=keys))
    try:
        await registry.service.api(host, registry.asks()).login()
    except ExtraMissing as error:
        print(error)
    finally:
        await registry.aclose()

asyncio.run(main(sys.argv[1]))
"""


def run(program: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT + program, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_can_be_imported_without_any_of_them() -> None:
    assert (
        run(f"import importlib\nfor each in {MODULES!r}:\n    importlib.import_module(each)") == ""
    )
    assert "transship.services.ecr" in MODULES


@pytest.mark.parametrize(
    ("host", "extra"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "aws"),
        ("example.azurecr.io", "azure"),
        ("europe-west3-docker.pkg.dev", "google"),
        ("example.tencentcloudcr.com", "tencent"),
    ],
)
def test_who_asks_for_a_login_that_needs_one_is_told_its_name(host: str, extra: str) -> None:
    assert f"needs transship[{extra}]" in run(_LOGIN, host)


def test_the_line_lists_the_services_without_any_of_them() -> None:
    program = "from transship_tui.commands import main\nmain(['services'])"
    assert "Amazon ECR" in run(program)
