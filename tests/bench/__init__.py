"""The bench: a large company, and what every page costs on it. `python -m tests.bench`."""
