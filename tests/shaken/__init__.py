"""Runs tests with naps where threads and processes meet, to find what holds by luck: `python -m tests.shaken`."""
