"""What should move where."""
