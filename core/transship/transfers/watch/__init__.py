"""Watches a plan: looks at both sides again and again, and makes a job of what has changed."""
