"""The door to the ledger: rows of instants, how far schedules have come, and who leads."""
