"""Gathers raw evidence of where a domain leads, and judges nothing."""
