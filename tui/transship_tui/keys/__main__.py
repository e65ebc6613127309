"""Writes `KEYS.md` to standard output."""

from __future__ import annotations

import sys

from transship_tui.keys.document import keys_document

sys.stdout.write(keys_document())
