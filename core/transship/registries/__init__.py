"""Speaks to one place that holds images: a registry over HTTP, or an OCI layout folder on disk."""
