"""Pages of docs/ that are made from the code, and tests that what the others show is so."""
