"""Keeps the two registries of a cutover in step by jobs, and compares them by what a job copied."""
