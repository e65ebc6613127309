"""Harbor's replication, which can't be had here: its API (v2.0), and copies that are really made.

It stands in, after Harbor's public API description and the statuses and words of its own source.
What it copies is copied by skopeo, between registries that are real.
"""
