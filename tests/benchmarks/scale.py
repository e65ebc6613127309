"""All benchmarks of scale, one after another, and one table of what they came to.

    python tests/benchmarks/scale.py [--only NAME]... [--json FILE]

What each of them measures is said in its own file, `bench_NAME.py`, which can be run by itself. It
exits with 1 when a figure is over its budget, or a benchmark has failed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.figures import KEPT_IN, gathered

_NAMES = ("start", "plan", "journal", "jobs", "table", "browse", "rules")


def main() -> int:
    """Run them, print the table, and say what was missed."""
    asked = _asked()
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.jsonl"
        for name in asked.only or _NAMES:
            began = time.monotonic()
            program = Path(__file__).with_name(f"bench_{name}.py")
            known = len(gathered(path))
            ended = subprocess.run([sys.executable, program], env=os.environ | {KEPT_IN: str(path)})
            print(f"({name} took {time.monotonic() - began:.0f} s)\n", flush=True)
            # A figure over its budget ends with 1 too, and is named in the table.
            if ended.returncode not in (0, 1) or len(gathered(path)) == known:
                failed.append(name)
        figures = gathered(path)
    print("\n".join(figure.line.rstrip() for figure in figures))
    missed = [figure.what for figure in figures if not figure.holds]
    print("\n".join(["", *(missed or ["every budget is held"])]))
    if failed:
        print(f"failed: {', '.join(failed)}")
    if asked.json:
        document = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}, "
            f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}",
            "figures": [asdict(figure) for figure in figures],
            "missed": missed,
            "failed": failed,
        }
        Path(asked.json).write_text(f"{json.dumps(document, indent=2)}\n")
    return int(bool(missed or failed))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", action="append", choices=_NAMES, help="can be repeated")
    parser.add_argument("--json", metavar="FILE", help="write all figures here, too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
