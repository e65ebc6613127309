"""The real servers and judges that the tests run against; nothing here imports Transship."""
