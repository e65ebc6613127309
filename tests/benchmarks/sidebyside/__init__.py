"""Transship and its peers, side by side: the same data, the same two registries, in turn.

`python -m sidebyside` (in `tests/benchmarks`; `make bench` does it) measures every tool that is on
PATH. docs/benchmarks.md says what is measured, how, and what came out.
"""
