"""`python -m transship_tui` is `transship`."""

from __future__ import annotations

from transship_tui.commands import main

if __name__ == "__main__":
    main()
