"""Running jobs in tests: in this process, or as the real runner in a process of its own."""
